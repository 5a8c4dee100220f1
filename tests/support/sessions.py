"""A deployment in memory for tests of sessions: a clock, a store or none, providers that do as they are told, and a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from meshproxy.api import StoreDown
from meshproxy.builtin.memory_store import MemoryStore
from meshproxy.core.cookie_field import split
from meshproxy.core.envelope import KeyRing
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.core.principal import Principal, SignedIn, Tokens
from meshproxy.core.session import SessionRecord
from meshproxy.sessions.attempts import LoginAttempts
from meshproxy.sessions.cache import Recalled
from meshproxy.sessions.handoff import Handoff
from meshproxy.sessions.live import LiveSession
from meshproxy.sessions.manager import Sessions, Started
from meshproxy.sessions.shared_state import LocalState
from meshproxy.settings import ServiceSettings, SessionSettings, Settings

HOST = "apps.example.com"
OTHER = "grafana.example.com"
START = 1_700_000_000.0
KEYS = KeyRing((bytes(range(32)),))
ALICE = Principal("https://idp.example", "alice", "alice@example.com", "Alice", "alice", ("devs", "sre"), "corp", True, {"sub": "alice"})
BOB = Principal("https://idp.example", "bob", "bob@example.com", "Bob", "bob", ("devs",), "corp", True, {"sub": "bob"})


def result_of(waiting: Any) -> Any:
    """What a coroutine or Deferred came to, which must be over; raises what it failed with."""
    deferred = waiting if isinstance(waiting, Deferred) else Deferred.fromCoroutine(waiting)
    seen: list[Any] = []
    deferred.addBoth(seen.append)
    assert seen, "it still waits"
    if isinstance(seen[0], Failure):
        seen[0].raiseException()
    return seen[0]


def record(**changes: Any) -> SessionRecord:
    """A session record, with what matters to the test changed."""
    values: dict[str, Any] = {
        "id": "s" * 43, "host": HOST, "principal": ALICE, "provider": "corp", "started_at": START, "seen_at": START, "checked_at": START,
        "auth_time": START,
    }
    return SessionRecord(**(values | changes))


def tokens(refresh: str | None = "refresh-1", expires_at: float | None = START + 300, access: str = "access-1") -> Tokens:
    """What a provider gave."""
    return Tokens(access=access, id="id-1", refresh=refresh, expires_at=expires_at)


class Browser:
    """Keeps cookies by host as browsers do: by name, domain and Max-Age."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.jar: dict[tuple[str, str], tuple[bytes, float]] = {}

    def take(self, host: str, set_cookies: tuple[bytes, ...]) -> Browser:
        """Obey ``Set-Cookie`` values of an answer from the host."""
        for line in set_cookies:
            pair, *attributes = line.split(b"; ")
            name, _, value = pair.partition(b"=")
            said = {part.partition(b"=")[0].lower(): part.partition(b"=")[2] for part in attributes}
            domain = said[b"domain"].decode() if b"domain" in said else "=" + host
            age = int(said[b"max-age"])
            if age <= 0:
                self.jar.pop((domain, name.decode()), None)
            else:
                self.jar[domain, name.decode()] = value, self._clock.seconds() + age
        return self

    def cookie(self, host: str) -> bytes:
        """The ``Cookie`` value of a request to the host."""
        now = self._clock.seconds()
        pairs = []
        for (domain, name), (value, until) in self.jar.items():
            fits = domain == "=" + host or domain == host or host.endswith("." + domain)
            if fits and until > now:
                pairs.append(name.encode() + b"=" + value)
        return b"; ".join(pairs)

    def names(self, host: str) -> list[str]:
        """Which cookies a request to the host carries."""
        return [pair.partition(b"=")[0].decode() for pair in self.cookie(host).split(b"; ") if pair]


class Provider:
    """A redirect provider that renews as the test says."""

    name = "told"

    def __init__(self) -> None:
        self.renewals: list[SignedIn] = []
        self.answer: Callable[[SignedIn], Any] = lambda signed_in: signed_in

    def renew(self, signed_in: SignedIn) -> Any:
        self.renewals.append(signed_in)
        return self.answer(signed_in)


class Store(MemoryStore):
    """The memory store, with a switch for outages and a count of what was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__({}, SimpleNamespace(reactor=clock))  # type: ignore[arg-type]
        self.down = False
        #: load, and what waits for an answer
        self.slow = False
        self.waiting: list[Deferred[Any]] = []
        self.asked: list[str] = []

    def _answer(self, method: str, *arguments: Any) -> Any:
        self.asked.append(method)
        if self.down:
            raise StoreDown("nobody answers")
        result = getattr(super(), method)(*arguments)
        if not self.slow:
            return result
        waiting: Deferred[Any] = Deferred()
        self.waiting.append(waiting)
        return waiting.addCallback(lambda _: result)

    def load(self, key: str) -> Any:
        return self._answer("load", key)

    def save(self, *arguments: Any) -> Any:
        return self._answer("save", *arguments)

    def delete(self, key: str) -> Any:
        if self.down:
            raise StoreDown("nobody answers")
        return super().delete(key)

    def lock(self, *arguments: Any) -> Any:
        return self._answer("lock", *arguments)

    def release(self) -> None:
        """Answer everything that waits."""
        waiting, self.waiting = self.waiting, []
        for deferred in waiting:
            deferred.callback(None)


class Tunnel:
    """A channel that remembers how its session ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def session_ended(self, cause: str) -> None:
        self.ended.append(cause)


def service(name: str, host: str) -> ServiceSettings:
    """A service on a host."""
    upstream = Upstream("http", f"{name}.svc", 80)
    return ServiceSettings(name, name, upstream, RouteSettings(host), AccessSettings(authenticated=True))


class Deployment:
    """One replica: sessions, attempts and hand-off over a clock. Give two of them the same store and shared state for two replicas."""

    def __init__(
        self,
        *,
        stored: bool = False,
        scheme: str = "https",
        keys: KeyRing = KEYS,
        of: Deployment | None = None,
        needed_tokens: tuple[str, ...] = ("id", "access"),
        **session: Any,
    ) -> None:
        self.clock = of.clock if of else Clock()
        if of is None:
            self.clock.advance(START)
        public = Origin(scheme, HOST, 443 if scheme == "https" else 8080)
        services = (service("headers", HOST), service("grafana", OTHER))
        self.settings = Settings(Path("/conf"), public, services, session=SessionSettings(**session))
        self.shared = of.shared if of else LocalState(self.clock)
        self.store: Store | None = of.store if of else Store(self.clock) if stored else None
        self.provider = of.provider if of else Provider()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.sessions = Sessions(
            self.settings, keys=keys, store=self.store, shared=self.shared, providers={"corp": self.provider}, clock=self.clock,
            random=os.urandom, audit=self.audit, needed_tokens=needed_tokens,
        )  # fmt: skip
        self.attempts = LoginAttempts(keys, self.sessions.cookies, self.shared, str(public), os.urandom)
        self.handoff = Handoff(keys, self.sessions, self.shared, public, self.settings.hosts, os.urandom)
        self.browser = of.browser if of else Browser(self.clock)

    @property
    def now(self) -> float:
        return self.clock.seconds()

    def audit(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def log_in(self, principal: Principal = ALICE, given: Tokens | None = None, browser: Browser | None = None, **more: Any) -> Started:
        """A login that succeeded on the public host; the browser has the cookies."""
        browser = browser or self.browser
        started: Started = result_of(
            self.sessions.start(SignedIn(principal, given, **more), "corp", HOST, self.now, browser.cookie(HOST))
        )
        browser.take(HOST, started.set_cookies)
        return started

    def recalled(self, host: str = HOST, cookie: bytes | None = None) -> Recalled:
        """What a request's cookies say, by whichever way."""
        cookie = self.browser.cookie(host) if cookie is None else cookie
        found = self.sessions.recall(cookie, host, self.now)
        if found is None:
            found = self.sessions.load(cookie, host, self.now)
        return result_of(found) if isinstance(found, Deferred) else found

    def request(self, host: str = HOST, browser: Browser | None = None) -> LiveSession | None:
        """A request of the browser: whose it is; the browser takes the renewed cookies."""
        browser = browser or self.browser
        live = self.recalled(host, browser.cookie(host)).session
        if live is not None:
            browser.take(host, self.sessions.renewal(live, self.now))
        return live

    def hand_off(self, browser: Browser | None = None, to: str = f"https://{OTHER}/d/1?x=2") -> Any:
        """The whole hand-off to the other host, for whoever is logged in: what ``accept`` said."""
        browser = browser or self.browser
        query, cookies = self.handoff.begin(OTHER, to, self.now)
        browser.take(OTHER, cookies)
        parent = self.recalled(HOST, browser.cookie(HOST)).session
        assert parent is not None
        url = result_of(self.handoff.ticket(parent, query.partition("=")[2], self.now))
        assert isinstance(url, str), url
        accepted = result_of(self.handoff.accept(url.partition("ticket=")[2], browser.cookie(OTHER), OTHER, self.now))
        if hasattr(accepted, "started"):
            browser.take(OTHER, accepted.started.set_cookies)
        return accepted


def session_cookies(cookie: bytes) -> dict[bytes, list[bytes]]:
    """Our cookies of a Cookie value."""
    return dict(split(cookie, b"meshproxy")[0])
