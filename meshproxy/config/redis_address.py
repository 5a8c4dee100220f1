"""How is the shared Redis reached? A URL, and beside it a user and a password that need not stand in it.

The rule: the pieces are put together here once, into the one URL that the Redis client reads; nothing prints that URL.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from .hosts import parse_authority
from .wrong import Wrong, did_you_mean

_REDIS = re.compile(r"(rediss?)://(?:([^@/?#]*)@)?([^@/?#]*)(?:/([0-9]{0,5}))?")
_UNIX = re.compile(r"unix:(?://(?:([^@/?#]*)@)?)?(/[^?#\s]*)(?:\?db=([0-9]{1,5}))?")


def parse_redis_url(text: str, username: str | None = None, password: str | None = None) -> str:
    """The URL with user and password in it: ``redis://[USER:PASSWORD@]HOST[:PORT][/DB]``, ``rediss://…``, ``unix:///PATH[?db=DB]``.

    :raises Wrong: it is none, or the password is given twice. The message does not repeat the URL.
    """
    found, unix = _REDIS.fullmatch(text), _UNIX.fullmatch(text)
    if found:
        scheme, user_info, authority, database = found.groups()
        host, port = parse_authority(authority) if authority else ("localhost", None)
        place = f"{host}:{port or 6379}/{database or 0}"
    elif unix:
        user_info, path, database = unix.groups()
        scheme, place = "unix", path + (f"?db={database}" if database else "")
    else:
        raise Wrong("is no Redis URL: redis://HOST[:PORT][/DB], rediss://… or unix:///PATH",
                    did_you_mean(text.partition(":")[0], ("redis", "rediss", "unix")))
    if username is None and password is None:
        return f"{scheme}://{user_info + '@' if user_info else ''}{place}"
    if user_info:
        raise Wrong("user and password stand in the URL and beside it: give them once")
    if password is None:
        raise Wrong("redis_username needs a redis_password")
    return f"{scheme}://{quote(username or '', safe='')}:{quote(password, safe='')}@{place}"
