"""What does a plugin get from meshproxy? Its context, the request it is asked about, the login attempt it takes part in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ..core.heads import RequestHead


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a plugin's instance.

    :ivar name: of the table that made it: ``corp`` of ``[identity.corp]``; of a rewriter its own name.
    :ivar reactor: Twisted's reactor (or a test's clock).
    :ivar log: a Logger in the plugin's own namespace; never log a secret.
    :ivar http: a treq client with deadlines, size caps and no redirects: :class:`meshproxy.identity.backchannel.BackChannel`.
    :ivar public_url: ``https://apps.example.com``, without a slash at the end.
    :ivar conf_dir: the conf directory.
    :ivar invalidate: call it when what the plugin knows has changed: identity fields are computed anew.
    :ivar service: for a rewriter, the name of its service; else "".
    """

    name: str
    reactor: Any
    log: Logger
    http: Any
    public_url: str
    conf_dir: Path
    invalidate: Callable[[], None] = lambda: None
    service: str = ""

    def path(self, name: str | Path) -> Path:
        """A path as conf files give it: relative to the conf directory."""
        return self.conf_dir / name


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A request as a request provider sees it: the head as it came, the scheme and authority it was for, the service's name."""

    head: RequestHead
    scheme: str
    authority: str
    service: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login attempt at a redirect provider. Everything in it is fresh for this attempt and bound to this browser.

    :ivar redirect_uri: where the provider sends the browser back to; the same for every provider.
    :ivar state: opaque; comes back in the callback's ``state`` (checked by meshproxy before ``finish``).
    :ivar nonce: to be bound into the ID token.
    :ivar code_verifier: for PKCE (RFC 7636), 43 or more characters.
    :ivar started_at: when it began, seconds since the epoch.
    :ivar code: the short code that names the attempt on pages and in logs.
    """

    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str
    started_at: float = 0.0
    code: str = ""
