"""The request path in memory: a real site, channel, gateway and pool; the browser and the service are in the test's hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.web.resource import Resource

from meshproxy.core.exchange import Exchange
from meshproxy.core.heads import Answer
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RequestSettings, RouteSettings
from meshproxy.core.principal import Principal, SignedIn
from meshproxy.core.routing import RouteTable
from meshproxy.core.session import SessionRecord
from meshproxy.core.trust import Trust
from meshproxy.rewriting import Rewriting, managed_everywhere
from meshproxy.settings import LimitSettings, ServiceSettings, Settings
from meshproxy.web.gateway import Gateway
from meshproxy.web.protected import ProtectedService
from meshproxy.web.refusals import Refusals
from meshproxy.web.request_providers import RequestProviders
from meshproxy.web.resource import ServiceResource
from meshproxy.web.site import MeshSite
from meshproxy.web.tree import Tree

from .wire import ServiceTransport, Wire

PUBLIC = Origin("http", "apps.test", 8080)
ALICE = Principal("https://idp.test", "alice", email="alice@example.com", groups=("devs",), provider="corp", email_verified=True)
COOKIE = b"Cookie: meshproxy=alice; theirs=1\r\n"


class UserHeader:
    """A rewriter that names the subject."""

    name = "user-header"
    managed_fields = (b"X-User",)

    def identity_fields(self, principal: Principal) -> list[tuple[bytes, bytes]]:
        return [(b"X-User", principal.subject.encode())]


class Live:
    """A session as the request path sees one."""

    def __init__(self, principal: Principal, parent: str | None = None) -> None:
        self.principal = principal
        self.signed_in = SignedIn(principal)
        self.record = SessionRecord("session-id", "apps.test", principal, "corp", 0, 0, 0, 0, parent=parent)
        self.admissions: dict[str, Any] = {}
        self.channels: set[Any] = set()
        self.ended = ""
        self.handle = "handle"
        self.refresh_failed = False
        self.refresh_due_at = float("inf")


class Recalled:
    def __init__(self, session: Any, cookie: bytes) -> None:
        self.session = session
        self.cookie = cookie


class KnownSessions:
    """Sessions that are always in memory: ``meshproxy=NAME`` is the session of that name, other cookies go upstream."""

    def __init__(self) -> None:
        self.live = {b"alice": Live(ALICE)}
        self.renewals: tuple[bytes, ...] = ()
        self.loading: Any = None

    def recall(self, cookie: bytes, host: str, now: float) -> Any:
        if self.loading is not None:
            return None
        pairs = [pair.strip() for pair in cookie.split(b";")]
        ours = [pair[10:] for pair in pairs if pair.startswith(b"meshproxy=")]
        rest = b"; ".join(pair for pair in pairs if not pair.startswith(b"meshproxy="))
        return Recalled(self.live.get(ours[0]) if ours else None, rest)

    def load(self, cookie: bytes, host: str, now: float) -> Any:
        loading, self.loading = self.loading, None
        if isinstance(loading, Exception):
            raise loading
        return loading

    def without_ours(self, cookie: bytes) -> bytes:
        return b"; ".join(pair.strip() for pair in cookie.split(b";") if not pair.strip().startswith(b"meshproxy="))

    def renewal(self, live: Any, now: float) -> tuple[bytes, ...]:
        return self.renewals


class PlainPages:
    """Pages as one line of text."""

    def problem(self, status: int, **about: Any) -> Answer:
        words = f"{status} {about['reason']} {about.get('login_url', '')}"
        if about.get("diagnosis") is not None:
            words += f" {about['diagnosis'].cause}"
        fields = ((b"Content-Type", b"text/html" if about["html"] else b"application/json"),)
        if status == 401:
            fields += ((b"WWW-Authenticate", b"Meshproxy"),)  # type: ignore[assignment]
        return Answer(status, fields, words.encode())


class NoAudit:
    required = False


class OwnPage(Resource):
    """Stands for everything of meshproxy's own."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        return b"own page: " + request.method + b" " + request.content.read()


class Handoffs:
    def due_recheck(self, live: Any, now: float) -> bool:
        return True

    def begin(self, host: str, to: str, now: float) -> tuple[str, tuple[bytes, ...]]:
        return f"handoff={host}", (b"meshproxy-handoff-1=x",)


class House:
    """meshproxy between a browser and one service, at ``http://apps.test:8080/`` → ``127.0.0.1:80``."""

    def __init__(self, *, access: AccessSettings | None = None, path: str = "/", rewriters: list[Any] | None = None,
                 request: RequestSettings | None = None, limits: LimitSettings | None = None, trust: Trust | None = None,
                 providers: dict[str, Any] | None = None, audit: Any = None, diagnosing: Any = None, timeouts: Any = None,
                 **pool: Any) -> None:
        self.wire = Wire(timeouts=timeouts, **pool)
        self.reactor = self.wire.reactor
        self.records: list[Exchange] = []
        self.sessions = KnownSessions()
        service = ServiceSettings(
            "app", "App", Upstream("http", "127.0.0.1", 80), RouteSettings("apps.test", path), access or AccessSettings(groups=("devs",)),
            request=request or RequestSettings(),
        )
        self.settings = Settings(Path("conf"), PUBLIC, (service,), limits=limits or LimitSettings())
        self.gateway = Gateway(self.reactor, self.wire.wheel, self.sessions, audit or NoAudit(), [self.records.append], "0123456789ab")
        rewriting = Rewriting([UserHeader()] if rewriters is None else rewriters)
        asked = RequestProviders(providers or {})
        self.service = ProtectedService(
            service, PUBLIC, rewriting, self.wire.pool, managed=managed_everywhere([rewriting]) | asked.consumed, cookie_name=b"meshproxy",
            body_bytes=self.settings.limits.body_bytes,
        )
        self.resource = ServiceResource("127.0.0.1", 80, b"", self.reactor, service=self.service, gateway=self.gateway)
        self.tree = Tree(RouteTable("apps.test", [("app", service.route)]), {"app": self.resource}, OwnPage())
        self.gateway.configure(
            tree=self.tree, trust=trust or Trust((), (), ()), limits=self.settings.limits,
            refusals=Refusals(self.settings, PlainPages(), Handoffs(), diagnosing or PlainDiagnosing()),
            providers=asked, handoff=Handoffs(),
        )
        self.site = MeshSite(self.gateway, self.reactor)

    def browser(self, address: str = "192.0.2.7") -> Browser:
        """A browser connects."""
        protocol = self.site.buildProtocol(IPv4Address("TCP", address, 40000))
        assert protocol is not None
        return Browser(self.reactor, protocol)

    def close(self) -> None:
        """End all; no timer and no connection may be left."""
        for channel in list(self.gateway.channels):
            channel.transport.lost()
        self.wire.close()
        assert not self.gateway.channels and not self.gateway.tunnels


class Browser(ServiceTransport):
    """One connection as the browser sees it."""

    def __init__(self, reactor: Any, protocol: Any) -> None:
        super().__init__(reactor, protocol)
        protocol.makeConnection(self)

    def sends(self, *pieces: bytes) -> None:
        """Bytes towards meshproxy."""
        for piece in pieces:
            self.protocol.dataReceived(piece)

    def asks(self, target: bytes = b"/", *, method: bytes = b"GET", fields: bytes = COOKIE, body: bytes | None = None,
             version: bytes = b"1.1") -> None:
        """One request for ``apps.test:8080``."""
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        self.sends(b"%b %b HTTP/%b\r\nHost: apps.test:8080\r\n%b%b\r\n%b" % (method, target, version, fields, length, body or b""))


class _Unknown:
    answered_by = "nobody"
    cause = "unknown"
    because = ("nothing is known",)


class PlainDiagnosing:
    """Knows one sidecar's text, and no cause."""

    def may_be_local_reply(self, status: int, fields: Any, length: int | None, no_body: bool) -> bool:
        return (b"Content-Type", b"text/plain") in fields

    def is_local_reply(self, status: int, fields: Any, body: bytes) -> bool:
        return body == b"no healthy upstream"

    def passed(self, relay: Any, status: int, fields: Any, length: int | None, no_body: bool) -> tuple[str, str]:
        return "service", "service_error" if status >= 500 else "service_refused"

    def __call__(self, evidence: Any, relay: Any) -> Any:
        return _Unknown()
