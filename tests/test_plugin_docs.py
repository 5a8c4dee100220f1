"""The documentation of plugins cannot drift: its examples are loaded by the real loader and run, and it names every hook and argument."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from zope.interface.interface import InterfaceClass, Method

from meshproxy import api
from meshproxy.api import LoginFailed, Principal, ProviderDown, Rejected, StoreDown
from meshproxy.api.identity import BackChannelError
from meshproxy.api.testing import (
    Login,
    SessionStoreConformance,
    context,
    event,
    principal,
    request_head,
    run_authenticate,
    run_form,
    run_request,
    run_rewriter,
)
from meshproxy.plugins import Plugins
from meshproxy.plugins.checking import HOOKS, KINDS
from meshproxy.settings import PluginTable

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = DOCS / "examples"


def example(kind: str, name: str) -> type:
    """A class of the examples, by way of the loader."""
    return Plugins.load(EXAMPLES.absolute()).classes(kind)[name]


def made(kind: str, name: str, options: dict[str, object], **surroundings: Any) -> Any:
    """An instance as a table of these options makes it."""
    given = context("corp", conf_dir=EXAMPLES.absolute(), **surroundings)
    return Plugins.load(EXAMPLES.absolute()).make(PluginTable(name, "corp", options, EXAMPLES / "x.toml", "corp"), kind, given)


class Answers(Resource):
    """A server that gives one answer and keeps what it was asked."""

    isLeaf = True

    def __init__(self, code: int, body: object) -> None:
        super().__init__()
        self.code = code
        self.body = json.dumps(body).encode()
        self.seen: list[tuple[bytes, bytes]] = []

    def render(self, request: Any) -> bytes:
        self.seen.append((request.uri, request.content.read()))
        request.setResponseCode(self.code)
        return self.body


class Down:
    """A back channel whose other side is not there."""

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: object, **more: object) -> Deferred[Any]:
            failed: Deferred[Any] = Deferred()
            failed.errback(Failure(BackChannelError("connect", "no connection")))
            return failed

        return ask


class RewriterExampleTests(SynchronousTestCase):
    """The two header rewriters."""

    def test_acme_user(self) -> None:
        """The fifteen lines do what they say, and the browser cannot say it."""
        acme = example("header_rewriter", "acme-user")
        head = run_request(acme, {}, None, request_head(fields={"X_Acme_User": "root"}))
        self.assertEqual([(name, value) for name, value in head.fields if b"cme" in name], [(b"X-Acme-User", b"alice")])
        code = [line for line in inspect.getsource(inspect.getmodule(acme) or acme).splitlines()[1:] if line.strip()]  # type: ignore[arg-type]
        self.assertLessEqual(len(code), 15)

    def test_acme_signature(self) -> None:
        """Settings, secret, templates, end and every request."""
        signature = example("header_rewriter", "acme-signature")
        options = {"key": "k", "who": "{username}", "lifetime": "5m"}
        clock = Clock()
        clock.advance(1000)
        fields = dict(run_rewriter(signature, options, given=context(reactor=clock)))
        self.assertEqual((fields[b"X-Acme-Who"], fields[b"X-Acme-Until"]), (b"alice", b"1300"))
        self.assertEqual(run_rewriter(signature, {"key": "k"}, principal(email=None)), [])
        for method, action in (("GET", b"read"), ("DELETE", b"write")):
            head = run_request(signature, options, None, request_head(method, fields={"X-Acme-Action": "forged"}))
            self.assertEqual([value for name, value in head.fields if name == b"X-Acme-Action"], [action])


class ProviderExampleTests(SynchronousTestCase):
    """Form, redirect and request providers."""

    def asked(self, http: StubTreq, waiting: Any) -> Any:
        result = Deferred.fromCoroutine(waiting)
        http.flush()
        return self.successResultOf(result)

    def test_directory(self) -> None:
        """The directory's word is a principal; its 403 a wrong password; anything else an outage."""
        options = {"url": "https://directory.example.com/check", "api_key": "k"}
        server = Answers(200, {"id": "7", "name": "Alice", "mail": "a@example.com", "groups": ["devs"]})
        http = StubTreq(server)
        found = self.asked(http, run_form(made("identity_provider", "directory", options, http=http), "alice", "pw"))
        self.assertEqual((found.subject, found.trusted_email, found.groups, found.provider), ("7", "a@example.com", ("devs",), "corp"))
        self.assertEqual(json.loads(server.seen[0][1]), {"username": "alice", "password": "pw"})
        http = StubTreq(Answers(403, {}))
        self.assertIsNone(self.asked(http, run_form(made("identity_provider", "directory", options, http=http), "alice", "pw")))
        http = StubTreq(Answers(500, {}))
        result = Deferred.fromCoroutine(run_form(made("identity_provider", "directory", options, http=http), "alice", "pw"))
        http.flush()
        self.failureResultOf(result, ProviderDown)
        down = made("identity_provider", "directory", options, http=Down())
        self.failureResultOf(Deferred.fromCoroutine(run_form(down, "alice", "pw")), ProviderDown)

    def test_badge(self) -> None:
        """There and back: the attempt is bound by its nonce, a missing code is the person's, an outage the terminal's."""
        options = {"terminal": "https://badge.example.com"}
        http = StubTreq(Answers(200, {"number": "42", "nonce": "nonce-1", "session": "s", "shift_ends_at": 99.0}))
        provider = made("identity_provider", "badge", options, http=http)
        login = Login(provider)
        self.successResultOf(Deferred.fromCoroutine(login.begin()))
        self.assertEqual(login.query, {"return": login.attempt.redirect_uri, "state": "state-1", "nonce": "nonce-1"})
        found = self.asked(http, login.finish(code="c"))
        self.assertEqual((found.principal.subject, found.expires_at, found.provider_session), ("42", 99.0, "s"))
        self.assertEqual(provider.end_session_url(found, "https://apps.example.com/x"),
                         "https://badge.example.com/leave?return=https%3A%2F%2Fapps.example.com%2Fx")
        failed = self.failureResultOf(Deferred.fromCoroutine(login.finish()), LoginFailed)
        self.assertIn("badge", failed.value.message)
        replayed = Deferred.fromCoroutine(Login(provider, nonce="another").finish(code="c"))
        http.flush()
        self.failureResultOf(replayed, LoginFailed)
        down = Deferred.fromCoroutine(Login(made("identity_provider", "badge", options, http=Down())).finish(code="c"))
        self.failureResultOf(down, ProviderDown)

    def test_api_keys(self) -> None:
        """A known key is its program; an unknown one is refused; none is somebody else's affair."""
        provider = made("identity_provider", "api-keys", {"nightly": "sha256:" + hashlib.sha256(b"test").hexdigest()})
        found = self.successResultOf(Deferred.fromCoroutine(run_authenticate(provider, request_head(fields={"x-api-key": "test"}))))
        assert found is not None
        self.assertEqual(found.principal, Principal("api-keys:corp", "nightly", provider="corp"))
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(run_authenticate(provider))))
        wrong = Deferred.fromCoroutine(run_authenticate(provider, request_head(fields={"X-Api-Key": "guess"})))
        self.failureResultOf(wrong, Rejected)


class AuditExampleTests(SynchronousTestCase):
    """The audit logger."""

    def test_siem(self) -> None:
        """Events go in batches; each is recorded when the collector has it, and failed when it has not."""
        clock = Clock()
        server = Answers(200, {})
        http = StubTreq(server)
        logger = made("audit_logger", "siem", {"url": "https://collector.example.com/events"}, http=http, reactor=clock)
        waiting = [logger.record(event()), logger.record(event("logout"))]
        clock.advance(0.2)
        http.flush()
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual([json.loads(line)["event"] for line in server.seen[0][1].splitlines()], ["request.forwarded", "logout"])
        server.code = 500
        failing = logger.record(event())
        logger.stop()
        http.flush()
        self.failureResultOf(failing, OSError)
        self.assertEqual(clock.getDelayedCalls(), [])


class StoreExampleTests(SessionStoreConformance, TestCase):
    """The session store keeps every promise of one."""

    def setUp(self) -> None:
        self.clock = Clock()

    def make_store(self) -> Any:
        return made("session_store", "sqlite", {"file": str(Path(self.mktemp()).absolute())}, reactor=self.clock)

    def now(self) -> float:
        return self.clock.seconds()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def test_down(self) -> None:
        """A database that cannot be used is an outage, not an error of its own kind."""
        store = self.make_store()
        store.stop()
        self.assertRaises(StoreDown, store.load, "a")


class DocsTests(SynchronousTestCase):
    """docs/plugins.md and docs/rewriters.md against the code."""

    def setUp(self) -> None:
        self.text = (DOCS / "plugins.md").read_text()

    def test_every_hook_and_kind(self) -> None:
        """Each hook by its name, each kind as `meshproxy plugins` prints it."""
        for name in (*HOOKS, *KINDS):
            self.assertIn(f"`{name}`", self.text)

    def test_every_method_and_argument(self) -> None:
        """Each interface, each method with exactly its arguments, each attribute of what plugins are given."""
        for name, interface in vars(api).items():
            if isinstance(interface, InterfaceClass) and interface.__module__ == api.__name__:
                for method, what in interface.namesAndDescriptions(all=False):
                    expected = f"`{method}{what.getSignatureString()}`" if isinstance(what, Method) else f"`{method}`"
                    self.assertIn(expected, self.text, name)
        for value in (api.Context, api.IncomingRequest, api.Peer, api.Attempt, api.SignedIn, api.Tokens, api.Principal, api.IdentityFields):
            for attribute in value.__dataclass_fields__:
                self.assertIn(f"`{attribute}`", self.text, value.__name__)

    def test_every_error_and_name(self) -> None:
        """Each error that means something, and each helper of meshproxy.api.testing."""
        errors = [name for name, value in vars(api).items() if isinstance(value, type) and issubclass(value, Exception)]
        from meshproxy.api import testing

        for name in (*errors, *testing.__all__):
            self.assertIn(f"`{name}", self.text)

    def test_every_example(self) -> None:
        """Each file of the examples is linked to; what is shown of one is all of it, as it stands."""
        for path in sorted((EXAMPLES / "plugins").glob("*.py")):
            self.assertIn(f"examples/plugins/{path.name}", self.text)
        shown = re.findall(r"```python\n# plugins/(\w+\.py)\n(.*?)```", self.text, re.DOTALL)
        self.assertIn("acme_user.py", [name for name, _ in shown])
        for name, code in shown:
            self.assertEqual((EXAMPLES / "plugins" / name).read_text(), code, name)

    def test_every_rewriter(self) -> None:
        """docs/rewriters.md has each built-in rewriter, its keys and the fields that it sets."""
        text = (DOCS / "rewriters.md").read_text()
        for name, cls in Plugins.load(None).classes("header_rewriter").items():
            self.assertIn(f"## `{name}`", text)
            section = text.split(f"## `{name}`")[1].split("\n## ")[0]
            model: Any = cls.Settings  # type: ignore[attr-defined]
            for key, info in model.model_fields.items():
                word = info.alias or key
                self.assertTrue(f"`{word}`" in section or f"\n{word} = " in section or f"`{word}`" in text.split("\n## ")[0], (name, word))
            for field in cls.managed_fields:  # type: ignore[attr-defined]
                self.assertIn(field.decode(), section)
