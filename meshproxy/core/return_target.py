r"""Where may a browser be sent after login or logout? To a path on a host of ours, or to ``/``.

The rule (wire-rules §0.13): whatever a browser could read as another site (``//``, ``/\``, tabs and other bytes that URL
parsers drop, user names, other ports, other schemes) ends at ``/``. Nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Collection

from .authority import parse_authority
from .places import Origin
from .target import split_absolute

_HOME = "/"
# RFC 3986's characters, and those that browsers leave in URLs; no blank, no backslash, no control, nothing beyond ASCII.
_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F))) - {"\\"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def safe(to: str, hosts: Collection[str], public: Origin) -> str:
    """The target as it may stand in ``Location``.

    :param to: a path with its query, or a URL.
    :param hosts: every host that is answered, without ports.
    :param public: the origin of ``public_url``: scheme and port of every host, and the host that paths belong to.
    :returns: a path for the public host, a whole URL for another host of ours, ``/`` for everything else.
    """
    if not to or not _CHARACTERS.issuperset(to):
        return _HOME
    if to.startswith("/"):
        return _HOME if to.startswith("//") else to
    parts = split_absolute(to.encode("ascii"))
    if parts is None:
        return _HOME
    scheme, authority, rest = parts[0].decode(), parts[1], parts[2].decode()
    try:
        host, port = parse_authority(authority)
    except ValueError:
        return _HOME
    if scheme != public.scheme or (port or _DEFAULT_PORTS[scheme]) != public.port or host not in hosts:
        return _HOME
    path = rest if rest.startswith("/") else f"/{rest}"
    if host == public.host:
        return _HOME if path.startswith("//") else path
    return f"{Origin(public.scheme, host, public.port)}{path}"
