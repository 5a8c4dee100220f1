"""Decisions on the request path: who is there, may they, what goes up."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from meshproxy.api import Principal, Rejected, SignedIn, TokenNeeded, Tokens
from meshproxy.api import Refused as Refusal
from meshproxy.core.policy import AccessSettings
from meshproxy.observe.audit import AuditFailed

from .support.house import COOKIE, Live
from .test_channel import OK, ChannelCase

ROBOT = Principal("https://robots.test", "robot-1", groups=("devs",), provider="robots")


class Bearer:
    """A request provider that knows one token."""

    name = "bearer"

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def authenticate(self, request: Any, peer: Any) -> Any:
        if (b"Authorization", b"Bearer good") not in request.head.fields:
            raise Rejected("unknown token")
        return self.answer or ROBOT


class Ambient:
    """A request provider that reads no field."""

    name = "mesh"
    consumes = ()

    def authenticate(self, request: Any, peer: Any) -> Any:
        return ROBOT


class Audit:
    required = True

    def __init__(self, result: Any) -> None:
        self.result = result

    def accept(self, exchange: Any) -> Any:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Breaks:
    """A rewriter that raises what it was given."""

    name = "breaks"
    managed_fields = (b"X-User",)

    def __init__(self, error: Exception) -> None:
        self.error = error

    def identity_fields(self, principal: Any) -> Any:
        raise self.error


class SessionTests(ChannelCase):
    def test_admission_is_kept(self) -> None:
        """Identity fields are computed once a session, not once a request."""
        calls = []

        class Counting:
            name = "counting"
            managed_fields = (b"X-User",)

            def identity_fields(self, principal: Any) -> Any:
                calls.append(principal)
                return [(b"X-User", b"alice")]

        house = self.house(rewriters=[Counting()])
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        for _ in range(3):
            service.answers(OK)
            browser.asks()
        self.assertEqual(len(calls), 1)

    def test_other_service_object(self) -> None:
        """After a reload the service is another one, and access is decided anew."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        live = house.sessions.live[b"alice"]
        before = live.admissions["app"]
        before.service = None
        browser.asks()
        self.assertIsNot(live.admissions["app"], before)

    def test_renewal(self) -> None:
        """A session's new cookie goes out with the answer, which is then private."""
        house = self.house()
        house.sessions.renewals = (b"meshproxy=new; Path=/",)
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        answer = browser.takes()
        self.assertIn(b"\r\nSet-Cookie: meshproxy=new; Path=/\r\n", answer)
        self.assertIn(b"\r\nCache-Control: private\r\n", answer)

    def test_recheck(self) -> None:
        """A handed-off session that is due asks its parent, with a navigation and with nothing else."""
        house = self.house()
        house.sessions.live[b"alice"] = Live(house.sessions.live[b"alice"].principal, parent="apps.test")
        browser = house.browser()
        browser.asks(fields=COOKIE + b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 302 "))
        browser.asks(fields=COOKIE + b"Sec-Fetch-Mode: cors\r\n")
        self.assertEqual(house.wire.waiting, 1)

    def test_refreshed_when_needed(self) -> None:
        """Once its token has ended, a service waits for a fresh one; what the refresh ends is challenged, an outage is 503."""
        for ended, failed, status in (("", False, b""), ("invalid_grant", False, b"401"), ("", True, b"503")):
            house = self.house()
            house.service.rewriting.needs_token = True
            live = house.sessions.live[b"alice"]
            live.refresh_due_at = 0.0
            live.signed_in = SignedIn(live.principal, Tokens(access="a", refresh="r", expires_at=1.0))
            waiting: Deferred[None] = Deferred()
            house.sessions.refreshed = lambda live, now, waiting=waiting: waiting  # type: ignore[attr-defined]
            browser = house.browser()
            browser.asks()
            self.assertEqual(house.wire.waiting, 0)
            live.ended, live.refresh_failed = ended, failed
            waiting.callback(None)
            self.assertEqual(house.wire.waiting, 0 if status else 1)
            self.assertTrue(browser.takes().startswith(b"HTTP/1.1 " + status if status else b""))

    def test_refresh_in_the_background(self) -> None:
        """A service that wants no token does not wait for a refresh that is due."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        asked = []
        house.sessions.refreshed = lambda live, now: asked.append(live) or Deferred()  # type: ignore[attr-defined,func-returns-value]
        house.sessions.live[b"alice"].refresh_due_at = 0.0
        browser.takes()
        browser.asks()
        self.assertEqual(len(asked), 1)
        self.assertEqual(house.wire.pool.active, 1)


class AccessTests(ChannelCase):
    def test_challenge(self) -> None:
        """Nobody there: a navigation goes to the login and back to this URL; everything else is told where to log in."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/a?b=c", fields=b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 302 "))
        self.assertIn(b"\r\nLocation: http://apps.test:8080/_meshproxy/login?to=%2Fa%3Fb%3Dc\r\n", answer)
        browser.asks(b"/a?b=c", fields=b"Accept: application/json\r\n")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 "))
        self.assertIn(b"\r\nWWW-Authenticate: ", answer)
        self.assertEqual([record.event for record in house.records], ["request.challenged"] * 2)

    def test_refuse(self) -> None:
        """Somebody without the group: 403, nothing forwarded."""
        house = self.house(access=AccessSettings(groups=("admins",)))
        browser = house.browser()
        browser.asks()
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 403 "))
        self.assertEqual(house.wire.waiting, 0)
        self.assertEqual(house.records[0].event, "request.refused")

    def test_cross_origin(self) -> None:
        """A page of another origin cannot write with somebody's cookie."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Origin: http://evil.test\r\nContent-Length: 0\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 403 "))
        self.assertEqual(house.wire.waiting, 0)

    def test_public(self) -> None:
        """Everybody enters a public service; who has a session is still told to it."""
        house = self.house(access=AccessSettings(public=True))
        browser = house.browser()
        browser.asks(fields=b"X-User: root\r\n")
        service = house.wire.accept()
        self.assertNotIn(b"X-User", service.takes())
        service.answers(OK)
        browser.asks()
        self.assertIn(b"\r\nX-User: alice\r\n", service.takes())

    def test_preflight(self) -> None:
        """A forwarded preflight carries no identity, even with a session."""
        house = self.house(access=AccessSettings(groups=("devs",), preflight="forward"))
        browser = house.browser()
        browser.asks(method=b"OPTIONS", fields=COOKIE + b"Origin: http://evil.test\r\nAccess-Control-Request-Method: PUT\r\n")
        self.assertNotIn(b"X-User", house.wire.accept().takes())


class ProviderTests(ChannelCase):
    def test_bearer(self) -> None:
        """A token makes a principal, and does not go upstream."""
        for answer in (None, succeed(ROBOT)):
            house = self.house(providers={"robots": Bearer(answer)})
            browser = house.browser()
            browser.asks(fields=b"Authorization: Bearer good\r\n")
            sent = house.wire.accept().takes()
            self.assertIn(b"\r\nX-User: robot-1\r\n", sent)
            self.assertNotIn(b"Authorization", sent)

    def test_rejected(self) -> None:
        """A token that a provider rejects is 401, and its reason stays here."""
        house = self.house(providers={"robots": Bearer()})
        browser = house.browser()
        browser.asks(fields=b"Authorization: Bearer bad\r\n")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 "))
        self.assertNotIn(b"unknown token", answer)
        self.assertEqual(house.records[0].reason, "unknown token")

    def test_two_identities(self) -> None:
        """A session and a token in one request: refused, not guessed."""
        house = self.house(providers={"robots": Bearer()})
        browser = house.browser()
        browser.asks(fields=COOKIE + b"Authorization: Bearer good\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 400 "))
        self.assertEqual(house.wire.waiting, 0)

    def test_provider_breaks(self) -> None:
        """A provider that fails is 503, not a way in."""
        house = self.house(providers={"robots": Bearer(fail(RuntimeError("boom")))})
        browser = house.browser()
        browser.asks(fields=b"Authorization: Bearer good\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 503 "))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_ambient(self) -> None:
        """A mesh identity counts where there is no session."""
        house = self.house(providers={"mesh": Ambient()})
        browser = house.browser()
        browser.asks(fields=b"")
        service = house.wire.accept()
        self.assertIn(b"\r\nX-User: robot-1\r\n", service.takes())
        service.answers(OK)
        browser.asks()
        self.assertIn(b"\r\nX-User: alice\r\n", service.takes())


class RewriterTests(ChannelCase):
    def test_broken(self) -> None:
        """A rewriter that breaks is 500, one that refuses 403, one that needs a token 401; nothing is forwarded."""
        for error, status in ((RuntimeError("boom"), b"500"), (Refusal("not this one"), b"403"), (TokenNeeded("ended"), b"401")):
            house = self.house(rewriters=[Breaks(error)])
            browser = house.browser()
            browser.asks()
            self.assertTrue(browser.takes().startswith(b"HTTP/1.1 " + status), error)
            self.assertEqual(house.wire.waiting, 0)
        self.flushLoggedErrors(RuntimeError)

    def test_per_request(self) -> None:
        """A rewriter may change each head, within its fence."""

        class Tags:
            name = "tags"
            managed_fields = (b"X-Tag",)

            def rewrite_request(self, head: Any, principal: Any) -> Any:
                return type(head)(head.method, head.target + b"&tag=1", (*head.fields, (b"X-Tag", b"1")))

            def rewrite_response(self, head: Any, principal: Any) -> Any:
                return type(head)(head.status, head.reason, (*head.fields, (b"X-Back", b"2")))

        house = self.house(rewriters=[Tags()])
        browser = house.browser()
        browser.asks(b"/?a=1", fields=COOKIE + b"X-Tag: evil\r\n")
        service = house.wire.accept()
        sent = service.takes()
        self.assertTrue(sent.startswith(b"GET /?a=1&tag=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"), sent)
        self.assertIn(b"\r\nX-Tag: 1\r\n", sent)
        self.assertNotIn(b"evil", sent)
        service.answers(OK)
        self.assertIn(b"\r\nX-Back: 2\r\n", browser.takes())


class AuditTests(ChannelCase):
    def test_required(self) -> None:
        """A required record is waited for before a byte goes up; where it cannot be had, 503."""
        waiting: Deferred[None] = Deferred()
        house = self.house(audit=Audit(waiting))
        browser = house.browser()
        browser.asks()
        self.assertEqual(house.wire.waiting, 0)
        waiting.callback(None)
        self.assertEqual(house.wire.waiting, 1)
        for result in (AuditFailed("full"), fail(AuditFailed("full"))):
            house = self.house(audit=Audit(result))
            browser = house.browser()
            browser.asks()
            self.assertTrue(browser.takes().startswith(b"HTTP/1.1 503 "))
            self.assertEqual(house.wire.waiting, 0)
