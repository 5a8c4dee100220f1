"""What plugin authors test with is the real thing: it refuses what meshproxy refuses, and sends what meshproxy sends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Authenticated, ConfError, Peer, Principal, Refused, RequestHead, ResponseHead, SignedIn
from meshproxy.api.testing import (
    AuditProbe,
    Login,
    context,
    event,
    make,
    principal,
    request_head,
    run_authenticate,
    run_form,
    run_request,
    run_response,
    run_rewriter,
    signed_in,
    waited,
)
from meshproxy.fences import RewriterFailed


class Greets:
    """A rewriter that does a little of everything."""

    name = "greets"
    managed_fields = (b"X-Greeting", b"X-Method")

    def __init__(self, settings: dict[str, str], context: Any) -> None:
        self.word = settings.get("word", "hello").encode()
        self.stopped = context.conf_dir.name == "never"

    def identity_fields(self, who: Principal) -> list[tuple[bytes, bytes]]:
        if who.subject == "mallory":
            raise Refused("not to mallory")
        return [(b"X-Greeting" if who.subject != "eve" else b"X-Other", self.word + b" " + who.subject.encode())]

    def rewrite_request(self, head: RequestHead, who: Principal | None) -> RequestHead:
        return RequestHead(head.method, head.target, (*head.fields, (b"X-Method", head.method + (b"" if who else b" anonymous"))))

    def rewrite_response(self, head: ResponseHead, who: Principal | None) -> ResponseHead:
        return ResponseHead(head.status, head.reason, (*head.fields, (b"X-Seen-By", who.subject.encode() if who else b"")))


class RewriterToolTests(SynchronousTestCase):
    """Rewriters."""

    def test_run_rewriter(self) -> None:
        """The fields, or what the rewriter raised, or the failure that would be a 500."""
        self.assertEqual(run_rewriter(Greets, {"word": "hi"}), [(b"X-Greeting", b"hi alice")])
        self.assertEqual(run_rewriter(Greets, None, signed_in(principal("bob"))), [(b"X-Greeting", b"hello bob")])
        self.assertRaises(Refused, run_rewriter, Greets, {}, principal("mallory"))
        self.assertRaises(RewriterFailed, run_rewriter, Greets, {}, principal("eve"))

    def test_run_request(self) -> None:
        """The whole head: the browser's fields stripped, Host the upstream's, identity and per-request fields set."""
        browser = request_head("POST", "/a?b", [("X-Greeting", "forged"), ("Content-Length", "0"), ("Accept", "*/*")])
        head = run_request(Greets, {}, None, browser)
        self.assertEqual((head.method, head.target, head.fields[0]), (b"POST", b"/a?b", (b"Host", b"service.example")))
        for line in ((b"X-Greeting", b"hello alice"), (b"X-Method", b"POST"), (b"Accept", b"*/*"),
                     (b"X-Forwarded-Host", b"apps.example.com")):
            self.assertEqual(head.fields.count(line), 1, line)
        self.assertEqual([value for name, value in head.fields if name == b"X-Greeting"], [b"hello alice"])

    def test_anonymous(self) -> None:
        """Without a login no identity field is set, and the forged one is gone all the same."""
        fields = dict(run_request(Greets, anonymous=True, head=request_head(fields={"x_greeting": "forged"})).fields)
        self.assertEqual((fields.get(b"x_greeting"), fields.get(b"X-Greeting"), fields[b"X-Method"]), (None, None, b"GET anonymous"))

    def test_run_response(self) -> None:
        """The answer's head after the rewriter."""
        self.assertIn((b"X-Seen-By", b"alice"), run_response(Greets).fields)

    def test_make(self) -> None:
        """What would stop the start stops the test."""
        self.assertRaises(ConfError, make, type("Bad", (), {"name": "bad"}))
        self.assertRaises(ConfError, make, type("Bad", (Greets,), {"managed_fields": ["X"]}))
        self.assertEqual(make(Greets, {"word": "x"}, given=context(conf_dir="never")).stopped, True)


class ProviderToolTests(SynchronousTestCase):
    """Providers, whether they answer at once or later."""

    def result(self, waiting: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(waiting))

    def test_waited(self) -> None:
        """A value, a coroutine and a Deferred come to the same."""

        async def later() -> int:
            return 1

        self.assertEqual([self.result(waited(each)) for each in (1, later(), succeed(1))], [1, 1, 1])

    def test_form_and_request(self) -> None:
        """A form provider's principal; a request provider's, wrapped."""

        class Provider:
            def verify(self, username: str, password: str) -> Any:
                return succeed(principal(username) if password == "right" else None)

            async def authenticate(self, request: Any, peer: Peer) -> Any:
                return principal(f"{request.service} {peer.address} {request.authority}")

        self.assertEqual(self.result(run_form(Provider(), "bob", "right")).subject, "bob")
        self.assertIsNone(self.result(run_form(Provider(), "bob", "wrong")))
        found = self.result(run_authenticate(Provider(), peer=Peer("10.0.0.1")))
        self.assertIsInstance(found, Authenticated)
        self.assertEqual(found.principal.subject, "test 10.0.0.1 apps.example.com")

    def test_login(self) -> None:
        """begin and finish with one attempt; what is no SignedIn is said."""

        class Provider:
            def begin(self, attempt: Any) -> str:
                return f"https://idp.example/?state={attempt.state}&x=1&x=2"

            def finish(self, attempt: Any, parameters: dict[str, str]) -> Any:
                return SignedIn(principal(parameters["state"])) if "code" in parameters else "oops"

        login = Login(Provider(), state="s-7")
        self.assertEqual(self.result(login.begin()), login.url)
        self.assertEqual(login.query, {"state": "s-7", "x": "2"})
        self.assertEqual(self.result(login.finish(code="c")).principal.subject, "s-7")
        self.failureResultOf(Deferred.fromCoroutine(login.finish()), AssertionError)


class ValueToolTests(SynchronousTestCase):
    """Values."""

    def test_values(self) -> None:
        """Each has sensible parts, any of which can be changed."""
        self.assertEqual((principal().trusted_email, principal("bob").name, principal(groups=()).groups), ("alice@example.com", "Bob", ()))
        self.assertIsNone(signed_in().tokens)
        tokens = signed_in(id_token="i", id_expires_at=5.0).tokens
        assert tokens is not None
        self.assertEqual((tokens.id, tokens.access, tokens.id_expires_at), ("i", None, 5.0))
        self.assertEqual(request_head(fields={"A": "b"}).fields, ((b"Host", b"apps.example.com"), (b"A", b"b")))
        self.assertEqual(context("x", service="y").service, "y")

    def test_probe(self) -> None:
        """The probe keeps copies by name, and refuses when told to."""
        probe = AuditProbe()
        one = event("logout", status=1)
        probe.record(one)
        one["status"] = 2
        self.assertEqual([each["status"] for each in probe.named("logout")], [1])
        self.assertEqual(probe.named("other"), [])
        probe.fail_with = OSError("full")
        self.assertRaises(OSError, probe.record, event())
