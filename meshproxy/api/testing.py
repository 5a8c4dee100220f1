"""How does an author test a plugin? Values to give it, and drivers that treat it as meshproxy does, without a network.

The rule: no imitation. Classes are checked and made by the plugin host, fields go through the rewriting and the forwarding of the request
path; what passes here passes there. Nothing here is needed at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from twisted.internet.task import Clock
from twisted.logger import Logger

from ..core.forwarding import ForwardingPlan
from ..core.inspection import inspect as inspect_head
from ..core.places import Origin, Upstream
from ..core.policy import AccessSettings, RouteSettings
from ..plugins.host import Plugins
from ..rewriting import Rewriting, managed_everywhere
from ..settings import PluginTable, ServiceSettings
from . import Attempt, Authenticated, Context, Field, IncomingRequest, Peer, Principal, RequestHead, ResponseHead, SignedIn, Tokens
from .store_conformance import SessionStoreConformance, waited

T = TypeVar("T")

PUBLIC_URL = "https://apps.example.com"
_PUBLIC = Origin("https", "apps.example.com", 443)
_UPSTREAM = Upstream("http", "service.example", 80, url="http://service.example")


def principal(subject: str = "alice", **changes: Any) -> Principal:
    """Alice, with a verified address and two groups; ``changes`` are attributes of :class:`Principal`."""
    usual: dict[str, Any] = {
        "issuer": "https://idp.example.com", "email": f"{subject}@example.com", "email_verified": True, "name": subject.title(),
        "username": subject, "groups": ("devs", "sre"), "provider": "corp",
    }
    return Principal(subject=subject, **{**usual, **changes})


def signed_in(who: Principal | None = None, *, id_token: str | None = None, access_token: str | None = None, **changes: Any) -> SignedIn:
    """A finished login; ``changes`` are attributes of :class:`Tokens` (``expires_at``, ``id_expires_at``, ``refresh`` …)."""
    tokens = Tokens(id=id_token, access=access_token, **changes) if id_token or access_token or changes else None
    return SignedIn(who or principal(), tokens)


def request_head(method: str = "GET", target: str = "/", fields: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> RequestHead:
    """A browser's request to https://apps.example.com; Host is there already."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    lines = ((b"Host", b"apps.example.com"), *((name.encode(), value.encode()) for name, value in pairs))
    return RequestHead(method.encode(), target.encode(), lines)


def context(name: str = "test", *, conf_dir: Path | str = "conf", reactor: Any = None, http: Any = None, **changes: Any) -> Context:
    """What an instance is made with: the reactor a :class:`~twisted.internet.task.Clock`, ``http`` whatever the plugin should meet."""
    usual: dict[str, Any] = {"log": Logger(f"meshproxy.plugin.{name}"), "public_url": PUBLIC_URL}
    return Context(name=name, conf_dir=Path(conf_dir), reactor=Clock() if reactor is None else reactor, http=http, **{**usual, **changes})


def make(cls: type[T], options: Mapping[str, object] | None = None, *, given: Context | None = None) -> T:
    """An instance as meshproxy makes it from a table with these options.

    Raises :class:`~meshproxy.api.ConfError` with everything that would stop the start: the class, its options, its files.
    """
    plugins = Plugins.of(cls)
    kind = next(kind for kind in ("identity_provider", "header_rewriter", "audit_logger", "session_store") if plugins.classes(kind))
    given = context() if given is None else given
    name: str = cls.name  # type: ignore[attr-defined]
    table = PluginTable(name, given.name, dict(options or {}), given.conf_dir / "test.toml", given.name)
    made: T = plugins.make(table, kind, given)
    return made


def run_rewriter(
    cls: type, options: Mapping[str, object] | None = None, who: Principal | SignedIn | None = None, *, given: Context | None = None
) -> list[Field]:
    """The identity fields that the service gets of this principal, in order.

    Raises what the rewriter raises to refuse (:class:`~meshproxy.api.Refused`, :class:`~meshproxy.api.TokenNeeded`), and
    :class:`~meshproxy.rewriting.RewriterFailed` where meshproxy would answer 500.
    """
    rewriting = Rewriting([make(cls, options, given=given)])
    try:
        return [(name, value) for name, value, _ in rewriting.identity(_signed_in(who)).fields]
    finally:
        rewriting.stop()


def run_request(
    cls: type, options: Mapping[str, object] | None = None, who: Principal | SignedIn | None = None, head: RequestHead | None = None,
    *, anonymous: bool = False, given: Context | None = None,
) -> RequestHead:
    """The whole head that goes to the service for a browser's head: stripped, rewritten, with Host and identity fields set.

    :param anonymous: nobody is logged in (a public service).
    """
    login = _signed_in(who)
    head = head or request_head()
    rewriting = Rewriting([make(cls, options, given=given)])
    try:
        service = ServiceSettings("test", "Test", _UPSTREAM, RouteSettings("apps.example.com"), AccessSettings(public=anonymous))
        plan = ForwardingPlan(service, _PUBLIC, managed_everywhere([rewriting]), rewriting.managed, b"__Host-meshproxy")
        facts = inspect_head(head.method, head.target, "1.1", list(head.fields))
        identity = b"" if anonymous else rewriting.identity(login).lines
        kept = RequestHead(head.method, head.target, tuple(plan.kept(facts, head.fields, cookie=None)))
        for fenced in rewriting.per_request:
            kept = fenced.rewrite_request(kept, None if anonymous else login.principal)
        return _parsed(plan.assemble(
            kept.fields, kept.method, kept.target, facts, forwarded_for=b"192.0.2.1", identity=identity, request_id=b"test-1",
            websocket=facts.upgrade_websocket,
        ))
    finally:
        rewriting.stop()


def run_response(
    cls: type, options: Mapping[str, object] | None = None, who: Principal | None = None, head: ResponseHead | None = None,
    *, given: Context | None = None,
) -> ResponseHead:
    """The head of a service's answer after ``rewrite_response``."""
    rewriting = Rewriting([make(cls, options, given=given)])
    head = head or ResponseHead(200, b"OK", ((b"Content-Type", b"text/html"),))
    for fenced in rewriting.per_request:
        head = fenced.rewrite_response(head, who or principal())
    rewriting.stop()
    return head


async def run_form(provider: Any, username: str, password: str) -> Principal | None:
    """What the login form gets of a form provider."""
    return await waited(provider.verify(username, password))


async def run_authenticate(provider: Any, head: RequestHead | None = None, peer: Peer | None = None) -> Authenticated | None:
    """What a request provider says to a request; raises :class:`~meshproxy.api.Rejected` as it does. A bare principal is wrapped."""
    request = IncomingRequest(head or request_head(), "https", "apps.example.com", "test")
    found = await waited(provider.authenticate(request, peer or Peer("192.0.2.1")))
    return Authenticated(found) if isinstance(found, Principal) else found


class Login:
    """A login at a redirect provider, from ``begin`` to ``finish``.

    :ivar attempt: what the provider was given.
    :ivar url: where the browser was sent, and ``query`` its parameters, the last of each.
    """

    def __init__(self, provider: Any, **changes: Any) -> None:
        usual: dict[str, Any] = {
            "redirect_uri": f"{PUBLIC_URL}/_meshproxy/callback", "state": "state-1", "nonce": "nonce-1", "code_verifier": "v" * 43,
        }
        self.attempt = Attempt(**{**usual, **changes})
        self.url = ""
        self.query: dict[str, str] = {}
        self._provider = provider

    async def begin(self) -> str:
        """Where the browser goes."""
        self.url = await waited(self._provider.begin(self.attempt))
        self.query = {name: found[-1] for name, found in parse_qs(urlsplit(self.url).query, keep_blank_values=True).items()}
        return self.url

    async def finish(self, **parameters: str) -> SignedIn:
        """What becomes of the callback with these parameters (``code``, ``error`` …); ``state`` is there as meshproxy has checked it."""
        found = await waited(self._provider.finish(self.attempt, {"state": self.attempt.state, **parameters}))
        if not isinstance(found, SignedIn):
            raise AssertionError(f"finish returned {type(found).__name__}, not SignedIn")
        return found


def event(name: str = "request.forwarded", **changes: object) -> dict[str, object]:
    """An audit event as an audit logger gets it."""
    usual: dict[str, object] = {
        "time": "2026-01-01T00:00:00.000Z", "event": name, "request_id": "test-1", "client": "192.0.2.1", "service": "test",
        "principal": {"issuer": "https://idp.example.com", "subject": "alice", "email": "alice@example.com", "provider": "corp"},
        "method": "GET", "authority": "apps.example.com", "path": "/", "status": 200, "reason": "group devs",
        "upstream": "service.example", "duration_ms": 1.5,
    }
    return {**usual, **changes}


class AuditProbe:
    """An audit logger that keeps what it is told, for tests of what is recorded. ``fail_with`` makes it refuse."""

    name = "probe"

    def __init__(self, settings: object = None, context: Context | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.fail_with: Exception | None = None

    def record(self, event: Mapping[str, Any]) -> None:
        """Keep it."""
        if self.fail_with is not None:
            raise self.fail_with
        self.events.append(dict(event))

    def named(self, name: str) -> list[dict[str, Any]]:
        """The events of that name, in order."""
        return [event for event in self.events if event.get("event") == name]


def _signed_in(who: Principal | SignedIn | None) -> SignedIn:
    return who if isinstance(who, SignedIn) else SignedIn(who or principal())


def _parsed(head: bytes) -> RequestHead:
    line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = line.split(b" ")
    return RequestHead(method, target, tuple((name, value) for name, _, value in (each.partition(b": ") for each in lines)))


__all__ = [
    "PUBLIC_URL", "AuditProbe", "Login", "SessionStoreConformance", "context", "event", "make", "principal", "request_head",
    "run_authenticate", "run_form", "run_request", "run_response", "run_rewriter", "signed_in", "waited",
]
