"""Who is asked about a request, and in which order."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Authenticated, Principal
from meshproxy.core.exchange import Exchange
from meshproxy.core.inspection import Facts
from meshproxy.core.peer import Peer
from meshproxy.web.request_providers import RequestProviders

from .support.house import House

ROBOT = Principal("https://robots.test", "robot-1", groups=("devs",))


class Provider:
    def __init__(self, name: str, answer: Any, consumes: tuple[bytes, ...] = (b"Authorization",)) -> None:
        self.name = name
        self.answer = answer
        self.consumes = consumes
        self.asked = 0

    def authenticate(self, request: Any, peer: Any) -> Any:
        self.asked += 1
        return self.answer


def exchange(trusted: bool = False) -> Exchange:
    return Exchange(b"1", b"GET", b"/", "apps.test", Peer("192.0.2.1", trusted=trusted), 0.0)


class AskedTests(SynchronousTestCase):
    def test_credentials_first(self) -> None:
        """With credentials their providers are asked; without, the ambient ones, unless a session or a forwarding peer is there."""
        bearer, mesh = Provider("bearer", None), Provider("mesh", None, ())
        providers = RequestProviders({"b": bearer, "m": mesh})
        facts = Facts()
        self.assertEqual(providers.asked(facts, exchange(), session=False, fields=[]), [mesh])
        self.assertEqual(providers.asked(facts, exchange(), session=True, fields=[]), [])
        self.assertEqual(providers.asked(facts, exchange(trusted=True), session=False, fields=[]), [])
        facts.authorization = b"Bearer x"
        self.assertEqual(providers.asked(facts, exchange(), session=False, fields=[]), [bearer])
        self.assertEqual(providers.asked(facts, exchange(), session=True, fields=[]), [bearer])

    def test_credentials_in_another_field(self) -> None:
        """A provider that reads a field of its own is asked wherever that field is, in any case, and nowhere else."""
        keys = Provider("keys", None, (b"X-Api-Key",))
        providers = RequestProviders({"k": keys})
        self.assertEqual(providers.asked(Facts(), exchange(), session=False, fields=[(b"x-api-KEY", b"k")]), [keys])
        self.assertEqual(providers.asked(Facts(), exchange(), session=False, fields=[(b"Accept", b"*/*")]), [])
        self.assertEqual(providers.consumed, {b"x-api-key"})

    def test_credentials_for_us_alone(self) -> None:
        """What a provider consumes goes to no service, in whatever spelling; without a session it is who is asking."""
        house = House(providers={"1": Provider("1", ROBOT, (b"X-Api-Key",))})
        self.addCleanup(house.close)
        browser = house.browser()
        browser.asks(fields=b"X-Api-Key: s3cret\r\nX_Api_Key: s3cret\r\nX-Other: 1\r\n")
        head = house.wire.accept().takes()
        self.assertIn(b"\r\nX-User: robot-1\r\n", head)
        self.assertIn(b"\r\nX-Other: 1\r\n", head)
        self.assertNotIn(b"s3cret", head)

    def test_order(self) -> None:
        """One after the other, until one knows; a coroutine is waited for."""

        async def knows() -> Authenticated:
            return Authenticated(ROBOT)

        first, second, third = Provider("1", None), Provider("2", knows()), Provider("3", ROBOT)
        house = House(providers={"1": first, "2": second, "3": third})
        self.addCleanup(house.close)
        browser = house.browser()
        browser.asks(fields=b"Authorization: Bearer x\r\n")
        self.assertIn(b"\r\nX-User: robot-1\r\n", house.wire.accept().takes())
        self.assertEqual((first.asked, second.asked, third.asked), (1, 1, 0))

    def test_nobody_knows(self) -> None:
        """Credentials that no provider claims are nobody's: the request is challenged, and where it may pass they go on."""
        house = House(providers={"1": Provider("1", None)})
        self.addCleanup(house.close)
        browser = house.browser()
        browser.asks(fields=b"Authorization: Basic x\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 401 "))
        browser.asks(fields=b"Cookie: meshproxy=alice\r\nAuthorization: Basic x\r\n")
        self.assertIn(b"\r\nAuthorization: Basic x\r\n", house.wire.accept().takes())
