"""Does the request itself say who is asking? A bearer token, a mesh certificate: the request providers, in their order.

Those that consume a field (a bearer token) read credentials that the client chose to send; the others (a mesh
certificate) are asked only where there are no credentials at all, and never about a peer that forwards for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..api import Authenticated, IncomingRequest, RequestHead
from ..core.fields import fold

if TYPE_CHECKING:
    from ..core.exchange import Exchange
    from ..core.heads import Field
    from ..core.inspection import Facts
    from .relay import Relay

_DEFAULT = (b"Authorization",)
Then = Callable[["Relay", "Authenticated | None"], None]


class RequestProviders:
    """The providers that find a principal in a request."""

    def __init__(self, providers: Mapping[str, Any]) -> None:
        self._credential = [one for one in providers.values() if getattr(one, "consumes", _DEFAULT)]
        self._ambient = [one for one in providers.values() if not getattr(one, "consumes", _DEFAULT)]
        consumed = {name.lower() for one in self._credential for name in getattr(one, "consumes", _DEFAULT)}
        self._named = frozenset(consumed - {b"authorization"})
        #: folded names of credentials that are for us alone: no service gets them. ``Authorization`` only where a provider knew it.
        self.consumed = frozenset(map(fold, self._named))

    def asked(self, facts: Facts, exchange: Exchange, session: bool, fields: Iterable[Field]) -> list[Any]:
        """Who is to be asked about this request: nearly always nobody."""
        if self._credential and (facts.authorization is not None or self._carries_credentials(fields)):
            return self._credential
        if self._ambient and not session and not exchange.peer.trusted:
            return self._ambient
        return []

    def _carries_credentials(self, fields: Iterable[Field]) -> bool:
        return bool(self._named) and any(name.lower() in self._named for name, _ in fields)

    def ask(self, relay: Relay, asked: list[Any], then: Then) -> None:
        """Ask one after the other until one knows; ``then(relay, None)`` when none does. Waits only where one waits."""
        if not asked:
            then(relay, None)
            return
        provider, rest = asked[0], asked[1:]
        request = IncomingRequest(RequestHead(relay.method, relay.exchange.target, tuple(relay.fields)), relay.exchange.scheme,
                                  relay.exchange.authority, relay.service.name)
        try:
            found = provider.authenticate(request, relay.exchange.peer)
        except Exception:
            relay.gateway.wait_failed(relay, Failure())
            return
        if hasattr(found, "send"):
            found = Deferred.fromCoroutine(found)
        if isinstance(found, Deferred):
            relay.wait_for(found, partial(self._answered, provider, rest, then))
        else:
            self._answered(provider, rest, then, relay, found)

    def _answered(self, provider: Any, rest: list[Any], then: Then, relay: Relay, found: Any) -> None:
        if found is None:
            self.ask(relay, rest, then)
            return
        consumed = {name.lower() for name in getattr(provider, "consumes", _DEFAULT)}
        relay.drop_authorization = b"authorization" in consumed and relay.facts.authorization is not None
        then(relay, found if isinstance(found, Authenticated) else Authenticated(found))
