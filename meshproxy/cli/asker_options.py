"""How does a command line say who asks? ``--as``, ``--groups``, ``--claims``, ``--provider``: the same for ``explain`` and ``doctor``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..explain import Asker
from .shell import Broken

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--as", "as_user", metavar="USER", help="Who asks: somebody of a users file, else the subject."),
    click.option("--groups", metavar="A,B", help="Their groups, in place of any others."),
    click.option("--claims", metavar="FILE", help="A JSON object as in an ID token: subject, groups, e-mail address and the rest."),
    click.option("--provider", metavar="NAME", default="", help="The [identity.NAME] that logged them in, where there are several."),
)


def asker_options(command: _Command) -> _Command:
    """Give a command the options; it gets ``as_user``, ``groups``, ``claims`` and ``provider`` for :func:`asker_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asker_of(as_user: str | None, groups: str | None, claims: str | None, provider: str) -> Asker:
    """Who is meant. A file of claims that cannot be used ends the command."""
    listed = None if groups is None else tuple(filter(None, map(str.strip, groups.split(","))))
    return Asker(as_user, listed, _claims(claims), provider)


def _claims(file: str | None) -> dict[str, Any] | None:
    """The claims of a file; ``-`` is standard input."""
    if file is None:
        return None
    try:
        claims = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8"))
    except OSError as error:
        raise Broken(f"--claims {file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Broken(f"--claims {file}: no JSON: {error}") from None
    if not isinstance(claims, dict):
        raise Broken(f"--claims {file}: not a JSON object")
    return claims
