"""One relying party and one nasty provider, joined in memory: a login, a renewal, a logout in one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import SignedIn
from meshproxy.builtin.oidc import OidcProvider
from meshproxy.identity.backchannel import BackChannel

from .contexts import attempt, context
from .nasty_provider import CLIENT_ID, SECRET, NastyProvider

NOW = 1_800_000_000.0


def clock_at(now: float = NOW) -> Clock:
    """A clock that shows a time of our days."""
    clock = Clock()
    clock.advance(now)
    return clock


class FlowTestCase(SynchronousTestCase):
    """Tests of one relying party at ``self.idp``, on ``self.clock``. What it logs is in ``self.logged``."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.idp = NastyProvider(self.clock)
        self.agent = RequestTraversalAgent(self.idp.resource)
        self.http = BackChannel(self.clock, agent=self.agent)
        self.logged: list[dict[str, Any]] = []

    def client(self, **settings: Any) -> OidcProvider:
        """A relying party; settings of ``None`` are left out of its table."""
        table = {"issuer": self.idp.issuer, "client_id": CLIENT_ID, "client_secret": SECRET, **settings}
        table = {name: value for name, value in table.items() if value is not None}
        made = OidcProvider(table, context(self.clock, self.http, log=Logger(namespace="tests", observer=self.logged.append)))
        self.addCleanup(made.stop)
        return made

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What it complained about."""
        return [event for event in self.logged if event["log_level"] >= LogLevel.warn]

    def settle(self) -> None:
        """Move everything that is in memory: each answer may bring the next question."""
        for _ in range(20):
            self.agent.flush()

    def result(self, deferred: Any) -> Any:
        """What came of it, once everything that is in memory has moved."""
        if not isinstance(deferred, Deferred):
            deferred = Deferred.fromCoroutine(deferred)
        self.settle()
        return self.successResultOf(deferred)

    def failure(self, expected: type[Exception], deferred: Any) -> Any:
        """The error that came of it."""
        if not isinstance(deferred, Deferred):
            deferred = Deferred.fromCoroutine(deferred)
        self.settle()
        return self.failureResultOf(deferred, expected).value

    def begin_login(self, client: OidcProvider, number: int = 1) -> Deferred[SignedIn]:
        """A login up to the callback; the Deferred of its end."""
        ticket = attempt(number)
        url = self.result(client.begin(ticket))
        parameters = self.idp.authorize(url)
        parameters.pop("state")
        return client.finish(ticket, parameters)

    def log_in(self, client: OidcProvider | None = None, number: int = 1) -> SignedIn:
        """A login that works."""
        signed_in: SignedIn = self.result(self.begin_login(client or self.client(), number))
        return signed_in

    def refused(self, expected: type[Exception], client: OidcProvider | None = None, number: int = 1) -> Any:
        """A login that does not; its error."""
        return self.failure(expected, self.begin_login(client or self.client(), number))


Switch = Callable[[NastyProvider], Any]
