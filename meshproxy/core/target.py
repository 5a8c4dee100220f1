r"""What does a request target say, and what might a service read in it?

The rule: a target goes on byte for byte or not at all, so nothing is normalised here. :func:`split_absolute` takes
the absolute form of RFC 9112 §3.2.2 apart; :func:`readings` lists every path that some service might see in the same bytes
(``%2e%2e``, ``//``, ``\``, ``;x``), so that access is never decided on another path than the one that is served.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# ``#`` never stands in a target (RFC 9112 §3.2); bytes above 0x7E and controls neither. The rest of what RFC 3986 leaves
# out (``|``, ``^``, ``"`` …) is sent by browsers in queries and harms nobody.
_TARGET_BYTES = bytes(sorted(set(range(0x21, 0x7F)) - {ord("#")}))

# What all readings of one path may amount to: 8 KiB of ordinary escapes, or a hundred readings of 300 bytes.
_MAX_READ_BYTES = 32 * 1024

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|\xf8[\x80-\x87]|\xfc[\x80-\x83]")
_ESCAPED_SLASH = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)
_PARAMETERS = re.compile(rb";[^/]*")
_SLASHES = re.compile(rb"/{2,}")


def valid_bytes(target: bytes) -> bool:
    """Whether a target is made of visible ASCII without ``#`` (wire-rules R30, R31)."""
    return bool(target) and not target.translate(None, _TARGET_BYTES)


def split_absolute(target: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Scheme (lower case), authority and the rest of an absolute-form target, or ``None`` when it is no such thing.

    The rest begins with ``/``, ``?`` or ``#`` or is empty.
    """
    scheme, mark, rest = target.partition(b"://")
    scheme = scheme.lower()
    if not mark or scheme not in (b"http", b"https"):
        return None
    ends = [position for position in (rest.find(b"/"), rest.find(b"?"), rest.find(b"#")) if position >= 0]
    end = min(ends, default=len(rest))
    return scheme, rest[:end], rest[end:]


def is_plain(path: bytes) -> bool:
    """Whether every reading of the path is the path itself: nothing escaped, merged, cut off or removed by anybody."""
    return not (b"%" in path or b"//" in path or b"/." in path or b";" in path or b"\\" in path)


def is_unreadable(path: bytes) -> str | None:
    """Why services would differ about what the path's escapes mean, or ``None`` when they would not."""
    if b"%" not in path:
        return None
    if _BAD_ESCAPE.search(path):
        return "the path has an escape that is none"
    if _OVERLONG.search(unquote_to_bytes(path)):
        return "the path has overlong UTF-8"
    return None


def unescape(path: bytes) -> bytes:
    """The path percent-decoded once; what is no escape stays."""
    return unquote_to_bytes(path)


class TooManyReadings(ValueError):
    """So many bytes could be read so many ways that judging them would cost more than the answer is worth."""


def readings(path: bytes) -> set[bytes]:
    r"""Every path that a service might read in these bytes, the bytes themselves among them (wire-rules §0.5).

    Any combination of: percent-decoded once (slashes too, or all but slashes, or slashes alone); ``\`` as ``/``;
    ``;parameters`` cut off; ``//`` merged; dot segments removed, before the decoding or after it.

    :raises TooManyReadings: for long paths full of oddities; nobody needs them, and they would be a cheap attack.
    """
    found = _reshaped({path})
    if b"%" in path:
        _bound(found, path, 4)
        for one in tuple(found):
            found |= {unescape(one), unescape(_ESCAPED_SLASH.sub(_keep_escaped, one)), _ESCAPED_SLASH.sub(b"/", one)}
        found = _reshaped(found)
    return found


def _reshaped(found: set[bytes]) -> set[bytes]:
    """Every combination of what services do to a path without decoding it."""
    longest = max(found, key=len)
    found = found | {one.replace(b"\\", b"/") for one in found}
    found |= {_PARAMETERS.sub(b"", one) for one in found}
    _bound(found, longest, 1)
    found |= {_SLASHES.sub(b"/", one) for one in found}
    found |= {without_dots(one) for one in found}
    _bound(found, longest, 1)
    return found


def _bound(found: set[bytes], path: bytes, growth: int) -> None:
    if len(found) * growth * len(path) > _MAX_READ_BYTES:
        raise TooManyReadings


def _keep_escaped(match: re.Match[bytes]) -> bytes:
    """``%2F`` as ``%252F``: decoding the result once leaves the slash escaped."""
    return b"%25" + match.group()[1:]


def without_dots(path: bytes) -> bytes:
    """Dot segments removed (RFC 3986 §5.2.4); ``..`` above the root stays at the root."""
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)
