"""From a proven identity to the page: :mod:`meshproxy.web.own.entering`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Principal, SignedIn, StoreDown, Tokens
from meshproxy.web.own.entering import signed_in_of
from tests.support.own_site import ALICE, Browser, OwnSite, log_in


class SignedInTests(SynchronousTestCase):
    def test_what_providers_return(self) -> None:
        """A principal or a finished login; it is of the provider that returned it."""
        self.assertEqual(signed_in_of(Principal("i", "s", provider="other"), "mine"), SignedIn(Principal("i", "s", provider="mine")))
        tokens = Tokens(access="a")
        self.assertEqual(signed_in_of(SignedIn(Principal("i", "s"), tokens), "mine").tokens, tokens)

    def test_what_is_none(self) -> None:
        """Anything else, or a principal without a subject, is nobody."""
        for found in (None, True, "alice", {"subject": "alice"}, Principal("i", "")):
            self.assertRaises(TypeError, signed_in_of, found, "mine")


class EnterTests(SynchronousTestCase):
    def test_a_store_that_is_down(self) -> None:
        """503 with a code; the right password was no failed attempt to anybody's disadvantage, and no session began."""
        site = OwnSite()

        async def down(*_: object, **__: object) -> None:
            raise StoreDown("redis: timeout")

        site.sessions.start = down  # type: ignore[method-assign, assignment]
        reply = log_in(Browser(site))
        self.assertEqual((reply.status, reply["Retry-After"]), (503, "10"))
        self.assertNotIn("redis", reply.text)
        self.assertEqual(site.told("login.succeeded"), [])

    def test_a_session_that_fits_nowhere(self) -> None:
        """A person with more claims than cookies hold gets a page, the operator the remedy."""
        import os

        site = OwnSite()
        who = Principal("i", "s", groups=tuple(os.urandom(20).hex() for _ in range(2000)))
        site.providers["local"].verify = lambda username, password: who
        reply = log_in(Browser(site))
        self.assertEqual(reply.status, 403)
        self.assertIn("redis", site.told("login.failed")[0]["reason"])

    def test_success_is_told_once(self) -> None:
        """Who, by which provider, under which code."""
        site = OwnSite()
        log_in(Browser(site))
        [event] = site.told("login.succeeded")
        self.assertEqual((event["principal"], event["provider"], len(event["attempt"])), (ALICE, "local", 6))
