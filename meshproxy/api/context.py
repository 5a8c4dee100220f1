"""What does a plugin get from meshproxy? Its context, the request it is asked about, the login attempt it takes part in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ..core.envelope import KeyRing
from ..core.heads import RequestHead

_FOR_THIS_PROCESS = KeyRing((os.urandom(32),))


def secrets_of(keys: tuple[bytes, ...] = ()) -> Callable[[str], tuple[bytes, ...]]:
    """What a context's ``secrets`` is, for these session keys (without any: a key of this process).

    Each purpose has keys of its own, and none of them is a session key.
    """
    ring = KeyRing(keys) if keys else _FOR_THIS_PROCESS
    return lambda purpose: ring.derive_all(b"plugin " + purpose.encode())


def unnoted(words: str) -> None:
    """A login attempt that nobody keeps a report of."""


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
    :ivar secrets: ``secrets("purpose")``: 32-byte keys for that purpose, newest first: the same in every worker, replica and run that has
        the same session key. Ask whenever you need them: they change when ``[session] secret_file`` does.
    """

    name: str
    reactor: Any
    log: Logger
    http: Any
    public_url: str
    conf_dir: Path
    invalidate: Callable[[], None] = lambda: None
    service: str = ""
    secrets: Callable[[str], tuple[bytes, ...]] = secrets_of()

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
    :ivar note: ``note("words")`` adds a step to the attempt's report (``meshproxy login-report``): what was asked and what came back, in a
        short sentence; never a secret.
    """

    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str
    started_at: float = 0.0
    code: str = ""
    note: Callable[[str], None] = field(default=unnoted, repr=False, compare=False)
