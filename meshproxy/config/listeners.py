"""What is a listener called? Twisted's endpoint strings, except ``tls:PORT``, which is ours (diagnosis.md §5).

The rule: the usual forms are read here, so that a typing error is found without opening a socket; other prefixes are left to the
endpoint plugins that Twisted finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from twisted.internet.interfaces import IStreamServerEndpointStringParser
from twisted.plugin import getPlugins

from .wrong import Wrong, did_you_mean

#: The argument names of the forms that are read here; the first argument has no name.
KNOWN: Mapping[str, frozenset[str]] = {
    "tcp": frozenset({"interface", "backlog"}),
    "tcp6": frozenset({"interface", "backlog"}),
    "tls": frozenset({"interface", "backlog"}),
    "unix": frozenset({"mode", "backlog", "lockfile"}),
}


BACKLOG = 1024
"""How many connections may wait to be accepted; the kernel has a limit of its own (``net.core.somaxconn``)."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint string, read.

    :ivar kind: its prefix: ``tcp``, ``tls``, ``unix`` …
    :ivar place: the first argument: a port, or a socket's path.
    :ivar options: the named arguments, unescaped.
    :ivar text: the string itself.
    """

    kind: str
    place: str
    options: Mapping[str, str]
    text: str

    @property
    def port(self) -> int | None:
        """The TCP port; ``None`` where it has none or the system chooses (0)."""
        return (int(self.place) or None) if self.kind in ("tcp", "tcp6", "tls") else None

    def clashes_with(self, other: Listener) -> bool:
        """Whether both want the same socket; an interface that is left out is every interface."""
        if self.kind == other.kind == "unix":
            return self.place == other.place
        ours, theirs = self.options.get("interface", ""), other.options.get("interface", "")
        return self.port is not None and self.port == other.port and (ours == theirs or not ours or not theirs)


def parse_listener(text: str) -> Listener:
    """Read an endpoint string.

    :raises Wrong: an unknown prefix or argument, no port, no path. ``ssl:`` is refused: ``tls:`` reloads its files, that does not.
    """
    first, *rest = _split(text)
    if first in KNOWN:
        return _known(first, rest, text)
    if first.isdecimal():
        raise Wrong(f"{text!r} is no listener: KIND:PORT", f"did you mean 'tcp:{text}'?")
    if first == "ssl":
        raise Wrong("'ssl:' cannot reload its certificates", "did you mean 'tls:PORT' with a [tls] table?")
    others = {plugin.prefix for plugin in getPlugins(IStreamServerEndpointStringParser)}
    if first not in others:
        raise Wrong(f"{first!r} is no kind of listener", did_you_mean(first, [*KNOWN, *others]) or "did you mean 'tcp:PORT'?")
    return Listener(first, rest[0] if rest else "", {}, text)


def with_backlog(text: str) -> str:
    """The endpoint string with room for a burst of connections, where it does not say how many may wait.

    Of more than that the kernel forgets the first packet, and their browsers try again after a second; Twisted's default is 50.
    """
    listener = parse_listener(text)
    if listener.kind not in ("tcp", "tcp6", "unix") or "backlog" in listener.options:
        return text
    return f"{text}:backlog={BACKLOG}"


def _known(kind: str, rest: list[str], text: str) -> Listener:
    place, options = "", {}
    for number, part in enumerate(rest):
        name, equals, value = part.partition("=")
        if not equals and number == 0:
            place = part
        elif not equals or name not in KNOWN[kind] | {"port", "address"}:
            raise Wrong(f"{text!r}: {name!r} is no argument of {kind}:", did_you_mean(name, KNOWN[kind]))
        elif name in ("port", "address"):
            place = value
        else:
            options[name] = value
    if kind == "unix":
        if not place:
            raise Wrong(f"{text!r} names no socket: unix:/run/meshproxy.sock")
    elif not re.fullmatch(r"[0-9]{1,5}", place) or int(place) > 65535:
        raise Wrong(f"{place!r} is no port: {kind}:PORT[:interface=ADDRESS]")
    return Listener(kind, place, options, text)


def _split(text: str) -> list[str]:
    r"""The parts between colons; a backslash takes the next character as it is (``interface=\:\:1``)."""
    parts, escaped = [""], False
    for character in text:
        if escaped or character not in ":\\":
            parts[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append("")
    return parts
