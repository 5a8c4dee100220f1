"""meshproxy's own pages, whole, without a network: real sessions in cookies, a plain ``Site``, and browsers made of bytes.

The providers are the only stand-ins: a form provider that knows alice and bob, and a redirect provider that says whatever
the test wants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import Site

from meshproxy.api import Principal, SignedIn, Tokens
from meshproxy.core.envelope import KeyRing
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.sessions.attempts import LoginAttempts
from meshproxy.sessions.handoff import Handoff
from meshproxy.sessions.manager import Sessions
from meshproxy.sessions.shared_state import LocalState
from meshproxy.settings import ServiceSettings, SessionSettings, Settings
from meshproxy.web.own import OwnParts, tree
from meshproxy.web.pages import Pages

NOW = 1_800_000_000.0
PUBLIC = Origin("https", "apps.example.com", 443)
OTHER = "grafana.example.com"

ALICE = Principal("users:local", "alice", "alice@example.com", "Alice Ångström", "alice", ("sre",), "local", True)
BOB = Principal("users:local", "bob", "bob@example.com", "Bob", "bob", ("dev",), "local", True)


class FormProvider:
    """alice and bob; their password is ``right``. Set ``fails`` to raise."""

    name = "users"

    def __init__(self) -> None:
        self.fails: BaseException | None = None
        self.asked: list[tuple[str, str]] = []

    async def verify(self, username: str, password: str) -> Principal | None:
        self.asked.append((username, password))
        if self.fails is not None:
            raise self.fails
        return {"alice": ALICE, "bob": BOB}.get(username) if password == "right" else None


class RedirectProvider:
    """Sends people to ``idp.example.net``; what it says of them is in ``says``."""

    name = "oidc"
    title = "Company login"

    def __init__(self) -> None:
        self.says: Any = SignedIn(
            Principal("https://idp.example.net", "u1", "alice@example.com", "Alice", groups=("sre",), email_verified=True),
            Tokens(access="secret-access-token", id="secret-id-token", expires_at=NOW + 3600),
        )
        self.begin_fails: BaseException | None = None
        self.attempts: list[Any] = []
        self.finished: list[dict[str, str]] = []
        self.revoked: list[SignedIn] = []
        self.ends: list[tuple[str, str]] = []
        self.backchannel_fails: BaseException | None = None

    async def begin(self, attempt: Any) -> str:
        if self.begin_fails is not None:
            raise self.begin_fails
        self.attempts.append(attempt)
        return f"https://idp.example.net/authorize?state={attempt.state}"

    async def finish(self, attempt: Any, parameters: Mapping[str, str]) -> Any:
        self.finished.append(dict(parameters))
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says

    def end_session_url(self, signed_in: SignedIn, return_to: str) -> str:
        return f"https://idp.example.net/logout?{urlencode({'post_logout_redirect_uri': return_to})}"

    async def revoke(self, signed_in: SignedIn) -> None:
        self.revoked.append(signed_in)

    async def backchannel_logout(self, form: Mapping[str, str]) -> list[tuple[str, str]]:
        if self.backchannel_fails is not None:
            raise self.backchannel_fails
        return self.ends


def service(name: str, *, host: str = PUBLIC.host, **access: Any) -> ServiceSettings:
    """A service that nobody connects to."""
    upstream = Upstream("http", f"{name}.default.svc", 80, "", f"http://{name}.default.svc")
    return ServiceSettings(name, name.title(), upstream, RouteSettings(host, f"/{name}"), AccessSettings(**access), f"The {name} service")


class _Directory:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def services(self) -> Sequence[ServiceSettings]:
        return self._settings.services

    def url(self, service: ServiceSettings) -> str:
        public = self._settings.public_url
        return f"{Origin(public.scheme, service.route.host, public.port)}{service.route.path}"


class OwnSite:
    """One configuration's pages.

    :ivar events: what the audit trail was told: the event's name and what goes with it.
    """

    def __init__(
        self,
        providers: Mapping[str, Any] | None = None,
        *,
        services: Sequence[ServiceSettings] = (),
        store: Any = None,
        conf_dir: str = "/nowhere",
        public: Origin = PUBLIC,
        session: SessionSettings | None = None,
        **more: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.providers = {"local": FormProvider()} if providers is None else dict(providers)
        services = services or (service("headers", authenticated=True), service("board", host=OTHER, groups=("sre",)))
        self.settings = Settings(Path(conf_dir), public, tuple(services), session=session or SessionSettings())
        keys = KeyRing((b"k" * 32,))
        self._drawn = 0
        self.shared = LocalState(self.clock)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.sessions = Sessions(
            self.settings,
            keys=keys,
            store=store,
            shared=self.shared,
            providers=self.providers,
            clock=self.clock,
            random=self._random,
            audit=lambda event, **about: None,
        )
        self.pages = Pages(self.settings, self.settings.conf_dir)
        parts: dict[str, Any] = {
            "settings": self.settings,
            "pages": self.pages,
            "sessions": self.sessions,
            "attempts": LoginAttempts(keys, self.sessions.cookies, self.shared, str(public), self._random),
            "handoff": Handoff(keys, self.sessions, self.shared, public, self.settings.hosts, self._random),
            "providers": self.providers,
            "shared": self.shared,
            "directory": _Directory(self.settings),
            "audit": self._record,
            "clock": self.clock,
            "random": self._random,
        }
        self.parts = OwnParts(**{**parts, **more})
        root = _Root(tree(self.parts))
        self.site = Site(root, parsePOSTFormSubmission=False, reactor=self.clock)

    def _random(self, size: int) -> bytes:
        """Different every time, and the same in every run."""
        self._drawn += 1
        return self._drawn.to_bytes(2, "big") * size if size == 1 else (self._drawn.to_bytes(4, "big") * size)[:size]

    def _record(self, event: str, *, arrival: Any = None, principal: Any = None, reason: str = "", **more: Any) -> None:
        self.events.append((event, {"principal": principal, "reason": reason, **more}))

    def told(self, event: str) -> list[dict[str, Any]]:
        """The events of that name."""
        return [about for name, about in self.events if name == event]

    def ask(self, method: str, target: str, *, host: str = PUBLIC.host, fields: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Reply:
        """One request on a connection of its own, and its answer."""
        return Reply.read(self.open(method, target, host=host, fields=fields, body=body).value())

    def open(
        self, method: str, target: str, *, host: str = PUBLIC.host, fields: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> StringTransport:
        """One request; what it is answered comes out of the transport, when it comes."""
        protocol: Any = self.site.buildProtocol(IPv4Address("TCP", "192.0.2.7", 40000))
        transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.7", 40000))
        protocol.makeConnection(transport)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in fields), "Connection: close"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        protocol.dataReceived("\r\n".join((*lines, "", "")).encode("latin-1") + body)
        return transport


class _Root(Resource):
    """The pages at ``/_meshproxy``, and the home page at ``/``."""

    def __init__(self, own: Any) -> None:
        Resource.__init__(self)
        self.putChild(b"_meshproxy", own)
        self.putChild(b"", own.home)


@dataclass
class Reply:
    """A response."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @classmethod
    def read(cls, raw: bytes) -> Reply:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return cls(int(first.split(" ")[1]), fields, body)

    def __getitem__(self, name: str) -> str:
        """The field, or "" where it is not there; several lines joined."""
        return ", ".join(value for found, value in self.fields if found.lower() == name.lower())

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self["Location"]


@dataclass
class Browser:
    """Keeps cookies by host, as browsers do, and asks for pages."""

    site: OwnSite
    jar: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, url: str, **fields: str) -> Reply:
        """Navigate."""
        return self._ask(
            "GET",
            url,
            [
                ("Accept", "text/html"),
                ("Sec-Fetch-Mode", "navigate"),
                ("User-Agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0"),
                *fields.items(),
            ],
        )

    def fetch(self, url: str, method: str = "GET", **fields: str) -> Reply:
        """As a script does."""
        return self._ask(method, url, [("Accept", "*/*"), ("Sec-Fetch-Mode", "cors"), *fields.items()])

    def post(self, url: str, form: Mapping[str, str], **fields: str) -> Reply:
        """Send a form, as a page of the same origin does; ``Sec_Fetch_Mode="cors"`` replaces what it would say."""
        given = {
            "Accept": "text/html",
            "Sec-Fetch-Mode": "navigate",
            "Origin": str(PUBLIC),
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        return self._ask("POST", url, list(given.items()), urlencode(form).encode())

    def follow(self, reply: Reply, most: int = 20) -> tuple[Reply, list[str]]:
        """Go where redirects lead, as far as they stay on our pages; the URLs on the way."""
        way = []
        while reply.location and len(way) < most:
            way.append(reply.location)
            parts = urlsplit(reply.location)
            if parts.netloc == "idp.example.net" or not parts.path.startswith("/_meshproxy"):
                break
            reply = self.get(reply.location)
        return reply, way

    def cookie(self, host: str = PUBLIC.host) -> str:
        return "; ".join(f"{name}={value}" for (where, name), value in self.jar.items() if where == host)

    def _ask(self, method: str, url: str, fields: list[tuple[str, str]], body: bytes = b"") -> Reply:
        parts = urlsplit(url)
        host = parts.netloc or PUBLIC.host
        cookie = self.cookie(host)
        if cookie:
            fields = [*fields, ("Cookie", cookie)]
        reply = self.site.ask(method, parts._replace(scheme="", netloc="").geturl(), host=host, fields=fields, body=body)
        for name, value in reply.fields:
            if name.lower() == "set-cookie":
                self._keep(host, value)
        return reply

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        if "Max-Age=0" in attributes:
            self.jar.pop((host, name), None)
        else:
            self.jar[host, name] = value


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    _, found, rest = page.partition(f'name="{name}" value="')
    if not found:
        raise AssertionError(f"no hidden field {name} in the page")
    return rest.partition('"')[0]


def log_in(browser: Browser, username: str = "alice", password: str = "right", to: str = "/", provider: str = "local") -> Reply:
    """By the form."""
    url = f"/_meshproxy/login/{provider}?{urlencode({'to': to})}"
    page = browser.get(url)
    return browser.post(url, {"csrf": hidden(page.text, "csrf"), "username": username, "password": password})


def query_of(url: str) -> dict[str, str]:
    """A URL's query."""
    return dict(parse_qsl(urlsplit(url).query))
