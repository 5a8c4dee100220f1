"""``/_meshproxy/auth``: :mod:`meshproxy.web.own.forward_auth` and :mod:`meshproxy.web.authorizing`, under our own channel."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Authenticated, Principal, Rejected, StoreDown, TokenNeeded
from meshproxy.core.policy import AccessSettings, RequestSettings
from meshproxy.core.trust import Trust
from meshproxy.web.authorizing import Authorizer
from meshproxy.web.own import OwnParts, tree
from meshproxy.web.pages import Pages
from tests.support.house import ALICE, COOKIE, Handoffs, House
from tests.support.own_site import Reply

EDGE = "192.0.2.7"
NAVIGATION = b"Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n"
ROOT = "/"


class Pass:
    """A rewriter that sets what its service reads."""

    name = "pass"
    managed_fields = (b"X-User", b"Authorization")
    raises: Exception | None = None

    def identity_fields(self, principal: Principal) -> list[tuple[bytes, bytes]]:
        if self.raises is not None:
            raise self.raises
        return [(b"X-User", principal.subject.encode()), (b"Authorization", b"Basic c2VjcmV0")]


class Tokens:
    """A request provider: ``Bearer good`` is bob of the devs, other tokens are wrong, other schemes nobody's."""

    name = "bearer"

    async def authenticate(self, request: Any, peer: Any) -> Any:
        value = dict(request.head.fields).get(b"Authorization", b"")
        if not value.startswith(b"Bearer "):
            return None
        if value == b"Bearer breaks":
            raise ZeroDivisionError
        if value != b"Bearer good":
            raise Rejected("no such token")
        return Authenticated(Principal("https://idp.test", "bob", groups=("devs",), provider="corp"))


class ForwardAuthTests(SynchronousTestCase):
    def house(self, **about: Any) -> House:
        self.rewriter = Pass()
        trust = Trust((ip_network("192.0.2.7/32"),), (), ())
        house = House(**{"path": ROOT, "rewriters": [self.rewriter], "trust": trust, **about})
        self.addCleanup(house.close)
        pages, directory = Pages(house.settings, Path("/nowhere")), SimpleNamespace(services=lambda: ())
        parts = OwnParts(
            settings=house.settings, pages=pages, sessions=house.sessions, attempts=None, handoff=Handoffs(), providers={}, shared=None,
            directory=directory, audit=lambda event, **about: None, clock=house.reactor, authorize=Authorizer(house.gateway),
        )  # fmt: skip
        house.tree._own = tree(parts)
        return house

    def ask(self, house: House, target: bytes = b"/_meshproxy/auth", *, fields: bytes = COOKIE, address: str = EDGE, method: bytes = b"GET",
            uri: bytes = b"/d/1?x=2") -> Reply:  # fmt: skip
        browser = house.browser(address)
        told = b"X-Forwarded-Host: apps.test:8080\r\n" + (b"X-Forwarded-Uri: %b\r\n" % uri if uri else b"")
        browser.asks(target, fields=fields + told, method=method)
        return Reply.read(browser.takes())

    # ---------------------------------------------------------------- who may pass

    def test_allowed(self) -> None:
        """200 with exactly the identity fields that the service would get; the record is about the request that was asked about."""
        house = self.house()
        reply = self.ask(house)
        self.assertEqual((reply.status, reply["X-User"], reply["Authorization"], reply.body), (200, "alice", "Basic c2VjcmV0", b""))
        [record] = house.records
        self.assertEqual((record.event, record.service, record.principal, record.reason), ("request.forwarded", "app", ALICE, "group devs"))

    def test_nobody(self) -> None:
        """401 that names the login, and no identity."""
        reply = self.ask(self.house(), fields=b"")
        self.assertEqual((reply.status, reply["X-User"], json.loads(reply.body)["error"]), (401, "", "login_required"))
        self.assertEqual(json.loads(reply.body)["login_url"], "http://apps.test:8080/_meshproxy/login?to=%2Fd%2F1")

    def test_redirect_on_demand(self) -> None:
        """With ``redirect=1`` a navigation is sent to the login, which comes back to the URL; a script and a POST are not."""
        house = self.house()
        reply = self.ask(house, b"/_meshproxy/auth?redirect=1", fields=NAVIGATION)
        self.assertEqual((reply.status, reply.location), (302, "http://apps.test:8080/_meshproxy/login?to=%2Fd%2F1%3Fx%3D2"))
        self.assertEqual(self.ask(house, b"/_meshproxy/auth", fields=NAVIGATION).status, 401)
        self.assertEqual(self.ask(house, b"/_meshproxy/auth?redirect=1", fields=b"Sec-Fetch-Mode: cors\r\n").status, 401)
        self.assertEqual(self.ask(house, b"/_meshproxy/auth?redirect=1", fields=NAVIGATION + b"X-Forwarded-Method: POST\r\n").status, 401)

    def test_the_way_to_the_login(self) -> None:
        """The 401 to a navigation has it in ``Location``, with the query; the one to a script or a POST has none."""
        house = self.house()
        reply = self.ask(house, fields=NAVIGATION)
        self.assertEqual((reply.status, reply.location), (401, "http://apps.test:8080/_meshproxy/login?to=%2Fd%2F1%3Fx%3D2"))
        self.assertEqual(self.ask(house, fields=b"Sec-Fetch-Mode: cors\r\n").location, "")
        self.assertEqual(self.ask(house, fields=NAVIGATION + b"X-Forwarded-Method: POST\r\n").location, "")

    def test_the_cookies_for_the_service(self) -> None:
        """The 200 says which cookies are not ours, also where that is none; without cookies it says nothing."""
        house = self.house(access=AccessSettings(public=True))
        theirs = [
            [value for name, value in self.ask(house, fields=fields).fields if name == "Cookie"]
            for fields in (COOKIE, b"Cookie: meshproxy=alice\r\n", b"Cookie: a=b\r\n", b"")
        ]
        self.assertEqual(theirs, [["theirs=1"], [""], ["a=b"], []])

    def test_not_allowed(self) -> None:
        """403 with the groups that would do."""
        reply = self.ask(self.house(access=AccessSettings(groups=("sre",))))
        self.assertEqual((reply.status, json.loads(reply.body)["needs"], reply["X-User"]), (403, {"groups": ["sre"]}, ""))

    def test_public(self) -> None:
        """Everybody passes; who has a session is told."""
        house = self.house(access=AccessSettings(public=True))
        self.assertEqual([self.ask(house, fields=b"")["X-User"], self.ask(house)["X-User"]], ["", "alice"])
        self.assertEqual(self.ask(house, fields=b"").status, 200)

    def test_programs(self) -> None:
        """A token passes like everywhere; a wrong one is 401, one beside a session 403, and a provider that breaks lets nothing pass."""
        house = self.house(providers={"robots": Tokens()})
        self.assertEqual(self.ask(house, fields=b"Authorization: Bearer good\r\n")["X-User"], "bob")
        self.assertEqual(self.ask(house, fields=b"Authorization: Bearer bad\r\n").status, 401)
        self.assertEqual(self.ask(house, fields=COOKIE + b"Authorization: Bearer good\r\n").status, 403)
        self.assertEqual(self.ask(house, fields=b"Authorization: Bearer breaks\r\n").status, 503)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    # ---------------------------------------------------------------- who may ask

    def test_only_a_trusted_peer(self) -> None:
        """Nobody else learns anything: the answer holds what services are told."""
        reply = self.ask(self.house(), address="203.0.113.1", uri=b"")
        self.assertEqual((reply.status, reply["X-User"], reply["Authorization"]), (403, "", ""))

    def test_without_a_gateway(self) -> None:
        """Pages without anybody to ask let nothing pass."""
        house = self.house()
        parts: Any = house.tree._own.children[b"auth"].parts  # type: ignore[attr-defined]
        from dataclasses import replace

        house.tree._own = tree(replace(parts, authorize=None))
        self.assertEqual(self.ask(house).status, 403)

    # ---------------------------------------------------------------- what is asked about

    def test_an_appended_path(self) -> None:
        """As Envoy asks: any method, the path behind ours, with a query of its own that is not ours."""
        house = self.house(path="/d")
        self.assertEqual(self.ask(house, b"/_meshproxy/auth/d/1?redirect=1", uri=b"", method=b"DELETE").status, 200)
        self.assertEqual(self.ask(house, b"/_meshproxy/auth/e", uri=b"").status, 403)
        self.assertEqual(self.ask(house, b"/_meshproxy/auth/d?redirect=1", uri=b"", fields=NAVIGATION).status, 401)

    def test_as_strict_as_the_request_itself(self) -> None:
        """Nothing asked for, two answers to what is asked for, a path that has two readings or leads nowhere: nothing passes."""
        house = self.house(path="/d")
        self.assertEqual(self.ask(house, uri=b"").status, 403)
        for uri in (b"/d/../e", b"/d/%2e%2e/e", b"d", b"//d", b"/e", b"http://evil/d", b"/_meshproxy/logout", b"/_meshproxy/auth", b"*"):
            with self.subTest(uri=uri):
                self.assertEqual(self.ask(house, uri=uri).status, 403)
        self.assertEqual(self.ask(house, fields=COOKIE + b"X-Forwarded-Uri: /d\r\n").status, 403)

    def test_other_sites_pages(self) -> None:
        """The cross-origin check of contract §2.4.3 holds for the method that is asked about, and for WebSocket handshakes."""
        house = self.house(request=RequestSettings(allowed_origins=("https://friend.test",)))
        evil, friend = COOKIE + b"Origin: https://evil.test\r\n", COOKIE + b"Origin: https://friend.test\r\n"
        self.assertEqual(self.ask(house, fields=evil).status, 200)
        self.assertEqual(self.ask(house, fields=evil + b"X-Forwarded-Method: POST\r\n").status, 403)
        self.assertEqual(self.ask(house, fields=friend + b"X-Forwarded-Method: POST\r\n").status, 200)
        self.assertEqual(self.ask(house, fields=evil + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").status, 403)

    # ---------------------------------------------------------------- what goes wrong

    def test_rewriters(self) -> None:
        """One that breaks lets nothing pass, one that misses a token asks for a login, although there is a session."""
        house = self.house()
        self.rewriter.raises = ValueError("x")
        self.assertEqual(self.ask(house).status, 500)
        self.flushLoggedErrors()
        self.rewriter.raises = TokenNeeded("the token has ended")
        reply = self.ask(house, b"/_meshproxy/auth?redirect=1", fields=COOKIE + NAVIGATION)
        self.assertTrue(reply.location.endswith("&again=1"), reply.location)

    def test_a_store_that_is_down(self) -> None:
        """503."""
        house = self.house()
        house.sessions.loading = StoreDown("redis")
        self.assertEqual(self.ask(house).status, 503)

    def test_identity_is_computed_once_a_session(self) -> None:
        """The admission is kept with the session, the same one that the request path uses."""
        house = self.house()
        self.ask(house)
        kept = house.sessions.live[b"alice"].admissions["app"]
        self.ask(house)
        self.assertIs(house.sessions.live[b"alice"].admissions["app"], kept)
