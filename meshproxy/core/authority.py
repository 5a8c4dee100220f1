"""Which host and port does an authority name? RFC 9110 §7.2 and RFC 3986 §3.2, the strict part of both.

The rule: what is not certainly one host name or address with at most one port is malformed. Everything that other
proxies were seen to join, guess or cut (``a,b``, ``user@a``, ``a/b``, blanks) is an error here.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address

# Letters, digits, ``-``, ``.`` and ``_`` (which occurs in names of Docker and of old Windows). RFC 3986 allows more in
# a reg-name, sub-delims and escapes among it; no host that anybody routes to has them.
_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789-._"
_MAX_NAME = 255


def parse_authority(value: bytes) -> tuple[str, int | None]:
    """Host and port of a ``Host`` field or of an absolute target.

    :returns: the host in lower case, an IPv6 address in brackets and in its shortest form; the port, or ``None`` where
        none is given (``a:`` gives none either, RFC 3986 §3.2.3).
    :raises ValueError: when it is malformed (wire-rules R3).
    """
    if value.startswith(b"["):
        address, bracket, tail = value[1:].partition(b"]")
        if not bracket or (tail and not tail.startswith(b":")):
            raise ValueError("an IPv6 address in Host is not closed properly")
        return f"[{_ipv6(address)}]", _port(tail[1:])
    name, _colon, port = value.lower().partition(b":")
    if not name or len(name) > _MAX_NAME or name.translate(None, _NAME_BYTES):
        raise ValueError("Host is not a host name with an optional port")
    return name.decode("ascii"), _port(port)


def _ipv6(address: bytes) -> str:
    """The address in its shortest form, so that one address has one route. No zone: it means nothing to others."""
    text = address.decode("ascii", "replace")
    if "%" in text:
        raise ValueError("an IPv6 address in Host has a zone")
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ValueError("Host is not an IPv6 address in brackets") from None


def _port(digits: bytes) -> int | None:
    """``None`` for no digits; ``bytes.isdigit`` knows only ASCII's ten, unlike ``int``, which takes ``+1`` and ``1_0``."""
    if not digits:
        return None
    if not digits.isdigit() or len(digits) > 5 or not 0 < int(digits) < 65536:
        raise ValueError("the port in Host is not a number from 1 to 65535")
    return int(digits)
