"""A meshproxy in front of real services, with the people of the sample: alice (admins, devs) and bob (devs)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .running import ROOT, Running
from .visitor import Visitor

_PEOPLE = '\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'


def behind(reactor: Any, directory: str, services: Mapping[str, str], main: str = "") -> Running:
    """A meshproxy with these services; it is not started yet."""
    users = (ROOT / "conf" / "users.toml").read_text("utf-8")
    return Running(reactor, Path(directory), services, main + _PEOPLE, {"users.toml": users})


async def logged_in(running: Running, path: str, name: str = "alice") -> Visitor:
    """A browser of that person's, who has opened the page and logged in for it."""
    visitor = Visitor(running)
    seen = await visitor.log_in(path, name, f"{name}-demo")
    assert seen.status == 200, (seen.status, seen.url, seen.text[:300])
    return visitor


def cookie_line(visitor: Visitor) -> str:
    """The cookies as a browser sends them."""
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
