"""Which cookies are meshproxy's own? They go to no service, and no service sets or deletes them.

The rule: ours are ``NAME``, its chunks ``NAME.1`` …, login attempts ``NAME-login-…`` and hand-offs ``NAME-handoff-…``, under
each of the three names that meshproxy uses (contract §3.1). A name that some browser, some service's cookie parser or
the prefix rules could take for one of them (another case, quotes, a nameless cookie ``=NAME=…``) counts as ours too. All other
bytes stay as they are.
"""

from __future__ import annotations

from functools import lru_cache

_PREFIXES = (b"", b"__secure-", b"__host-")
_BLANKS = b" \t"


@lru_cache(maxsize=16)
def _family(name: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The name without its prefix, and every form of it, in lower case."""
    base = name.lower().removeprefix(b"__host-").removeprefix(b"__secure-")
    return base, tuple(prefix + base for prefix in _PREFIXES)


def is_ours(cookie_name: bytes, name: bytes) -> bool:
    """Whether a cookie of this name is meshproxy's.

    :param cookie_name: as it stands on the wire, blanks and quotes and all.
    :param name: the session cookie's name, in any of its three forms.
    """
    plain = cookie_name.strip(_BLANKS + b'"').lower()
    for form in _family(name)[1]:
        if plain.startswith(form):
            rest = plain[len(form) :]
            if not rest or rest.startswith((b"-login-", b"-handoff-")) or (rest[:1] == b"." and rest[1:].isdigit()):
                return True
    return False


def name_of(pair: bytes) -> bytes:
    """The name that a reader may see in ``name=value``. Of a nameless cookie (``=a=b``, which browsers send back as ``a=b``;
    ``a`` alone) it is what comes back in the name's place.
    """
    return pair.strip(_BLANKS).lstrip(b"=" + _BLANKS).partition(b"=")[0]


def split(cookie: bytes, name: bytes) -> tuple[dict[bytes, list[bytes]], bytes]:
    """Our cookies, and what remains for the service.

    :param cookie: the ``Cookie`` field's value, all lines joined with ``; ``.
    :param name: the session cookie's name, in any of its three forms.
    :returns: the values of our cookies by name as it was written (several values where there are several; a look-alike
        stands under its own odd name, so it is never taken for the real one), and the other cookies byte for byte.
    """
    if _family(name)[0] not in cookie.lower():
        return {}, cookie
    ours: dict[bytes, list[bytes]] = {}
    others = []
    for pair in cookie.split(b";"):
        if is_ours(name_of(pair), name):
            raw, _equals, value = pair.partition(b"=")
            ours.setdefault(raw.strip(_BLANKS), []).append(value.strip(_BLANKS))
        else:
            others.append(pair)
    if not ours:
        return ours, cookie
    return ours, b";".join(others).strip(_BLANKS)
