"""What stands around a provider in a test: a context, a login attempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import Logger

from meshproxy.api import Attempt, Context

CALLBACK = "http://localhost:8080/_meshproxy/callback"


def attempt(number: int = 1, **changes: Any) -> Attempt:
    """A login attempt; another number, another state, nonce and verifier."""
    values = {
        "redirect_uri": CALLBACK,
        "state": f"state-{number}-0123456789",
        "nonce": f"nonce-{number}-0123456789",
        "code_verifier": f"verifier-{number}-0123456789-0123456789-0123456789-012",
    }
    return Attempt(**{**values, **changes})


def context(reactor: Any, http: Any, *, name: str = "corp", conf_dir: Path = Path("/nonexistent"), log: Logger | None = None) -> Context:
    """A plugin's context."""
    return Context(
        name=name, reactor=reactor, log=log or Logger(namespace="tests"), http=http, public_url="http://localhost:8080", conf_dir=conf_dir
    )
