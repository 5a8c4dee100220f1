"""Which names may a host, an origin, a URL have? Parsed strictly, returned in the one spelling that everything else compares.

The rule: URLs of the configuration carry no user, password, query or fragment, and no error repeats a URL that has one.
Host names are lower case, IDNA-encoded, without the root's dot; IPv6 addresses stand in brackets, compressed (RFC 5952).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

import idna

from ..core.places import Origin
from .wrong import Wrong, did_you_mean, one_of

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\<>\"^`{|}]")


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL that a configuration may have; ``path`` as written, ``port`` filled in."""

    scheme: str
    host: str
    port: int
    path: str


def parse_host(text: str) -> str:
    """A host name or address in its one spelling.

    :raises Wrong: it is none, or it carries a port, a scheme or a wildcard.
    """
    if "://" in text:
        raise Wrong(f"{text!r} is a URL: a host name stands here", _host_of(text))
    if "*" in text:
        raise Wrong(f"{text!r}: wildcards are not supported; name each host")
    if text.startswith("["):
        return _ipv6(text)
    if ":" in text:
        raise Wrong(f"{text!r}: a host name carries no port", f"did you mean '{text.partition(':')[0]}'?" if text.count(":") == 1 else None)
    name = text.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise Wrong(f"{text!r} is no host name") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Wrong(f"{text!r} is no host name")
    if labels[-1].isdecimal():
        try:
            return str(IPv4Address(name))
        except AddressValueError:
            raise Wrong(f"{text!r} is neither a host name nor an IPv4 address") from None
    return name


def _ipv6(text: str) -> str:
    """``[::1]`` for any spelling of that address in brackets; zones (``%eth0``) have no meaning beyond this machine."""
    try:
        if not text.endswith("]") or "%" in text:
            raise AddressValueError
        return f"[{IPv6Address(text[1:-1]).compressed}]"
    except AddressValueError:
        raise Wrong(f"{text!r} is no IPv6 address in brackets") from None


def _host_of(text: str) -> str | None:
    found = _URL.fullmatch(text)
    return f"did you mean '{found[2]}'?" if found and "@" not in found[2] else None


def parse_authority(text: str) -> tuple[str, int | None]:
    """Host and port of ``host``, ``host:port``, ``[::1]:port``.

    :raises Wrong: as :func:`parse_host`, or the port is none.
    """
    host, colon, port = text, "", ""
    if text.startswith("["):
        end = text.find("]") + 1
        host, colon, port = text[:end], text[end : end + 1], text[end + 1 :]
        if end == 0 or colon not in ("", ":"):
            raise Wrong(f"{text!r} is no host and port")
    elif ":" in text:
        host, colon, port = text.rpartition(":")
    if not colon:
        return parse_host(host), None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise Wrong(f"{port!r} is no port: 1 to 65535")
    return parse_host(host), int(port)


def parse_url(text: str, *schemes: str) -> Url:
    """A URL of one of these schemes, with nothing in it that could hide: no user, password, query, fragment, blanks.

    :raises Wrong: it is none, or it carries one of these.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise Wrong("is no URL: SCHEME://HOST[:PORT]", f"did you mean '{schemes[-1]}://…'?" if "://" not in text else None)
    scheme, authority, path, query, fragment = found.groups()
    if "@" in authority:
        raise Wrong("a URL carries no user or password here")
    if query or fragment:
        raise Wrong("a URL carries no query and no fragment here")
    if _UNSAFE.search(text):
        raise Wrong("a URL carries no blanks, control characters or backslashes")
    if scheme.lower() not in schemes:
        raise Wrong(f"{scheme!r} is no scheme that works here: {one_of(schemes)}", did_you_mean(scheme, schemes))
    if not authority:
        raise Wrong("the URL names no host")
    host, port = parse_authority(authority)
    return Url(scheme.lower(), host, port or DEFAULT_PORTS[scheme.lower()], path)


def parse_origin(text: str) -> Origin:
    """An origin as browsers say it (RFC 6454): scheme, host, port and nothing else; a lone ``/`` at the end is forgiven."""
    url = parse_url(text, "http", "https")
    if url.path not in ("", "/"):
        raise Wrong("an origin has no path: SCHEME://HOST[:PORT]", f"did you mean '{Origin(url.scheme, url.host, url.port)}'?")
    return Origin(url.scheme, url.host, url.port)


def parse_public_url(text: str) -> Origin:
    """Where browsers find us: https, or http on this machine alone: a session cookie over plain http is everybody's.

    :raises Wrong: with a path, or http on another host than ``localhost``, ``127.0.0.1``, ``[::1]``.
    """
    origin = parse_origin(text)
    if origin.scheme == "http" and origin.host not in LOOPBACK_HOSTS:
        raise Wrong(f"http:// works only for localhost and 127.0.0.1, not for {origin.host!r}: sessions need https",
                    f"did you mean 'https://{origin.host}'?")
    return origin


def is_loopback(host: str) -> bool:
    """Whether the host is certainly this machine: ``localhost``, names under it (RFC 6761 §6.3), 127.0.0.0/8, ``[::1]``."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
