"""Which request is meant? A URL and a few options, as the head that a client would send.

The rule: what is typed goes into the head as it is, good or bad: whether it is a request at all, the rules of the wire decide. Only what
no client could send is refused here: a URL that is none, a field of several lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

import idna

from ..core.heads import Field

_URL = re.compile(r"(https?)://([^/?#\\]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f]")
# What browsers write as an escape before they send it; everything else is theirs to send as it stands.
_ESCAPED = re.compile(rb"[\x20\x80-\xff]")


class NotAUrl(ValueError):
    """There is no request in it. The text says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request that somebody asks about.

    :ivar url: as it was typed.
    :ivar authority: what goes into ``Host``.
    :ivar fields: the further fields, in order.
    """

    url: str
    method: bytes
    target: bytes
    authority: bytes
    fields: tuple[Field, ...] = ()

    @classmethod
    def of(cls, url: str, method: str = "GET", lines: Iterable[str] = ()) -> Question:
        """Of a URL, a method and ``Name: value`` lines; a ``Host`` among them takes the place of the URL's.

        :raises NotAUrl: for a URL that is none, and for a method or a line that no head can hold.
        """
        found = _URL.fullmatch(url)
        if found is None or not found[2] or _UNSENDABLE.search(url):
            hint = f"; did you mean http://{url} ?" if "://" not in url and re.match(r"[\w.-]+(:\d+)?(/|$)", url) else ""
            raise NotAUrl(f"{url!r} is no URL: http://HOST/PATH or https://HOST/PATH{hint}")
        if not method or _UNSENDABLE.search(method) or " " in method:
            raise NotAUrl(f"{method!r} is no method")
        rest = _ESCAPED.sub(lambda byte: b"%%%02X" % ord(byte[0]), found[3].encode("utf-8", "surrogateescape"))
        target = rest if rest.startswith(b"/") else b"/" + rest
        authority = _authority(found[2])
        fields = []
        for name, value in map(_field, lines):
            if name.lower() == b"host":
                authority = value
            else:
                fields.append((name, value))
        return cls(url, os.fsencode(method), target, authority, tuple(fields))

    def with_cookie(self, cookie: bytes) -> Question:
        """The same from a browser that has this cookie too: one ``Cookie`` line holds all (RFC 6265 §5.4)."""
        fields = list(self.fields)
        for index, (name, value) in enumerate(fields):
            if name.lower() == b"cookie":
                fields[index] = (name, value + b"; " + cookie if value else cookie)
                break
        else:
            fields.append((b"Cookie", cookie))
        return Question(self.url, self.method, self.target, self.authority, tuple(fields))

    @property
    def head(self) -> bytes:
        """As it stands on the wire."""
        lines = b"".join(b"%b: %b\r\n" % field for field in self.fields)
        return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (self.method, self.target, self.authority, lines)


def _field(line: str) -> Field:
    name, colon, value = line.partition(":")
    if not colon or not name or _UNSENDABLE.search(line.replace("\t", " ")):
        raise NotAUrl(f"-H takes one line, 'Name: value': {name[:60]!r} is none")
    return os.fsencode(name), os.fsencode(value.strip(" \t"))


def _authority(text: str) -> bytes:
    """Host and port; a name in other letters as browsers send it (RFC 5891)."""
    if text.isascii():
        return text.encode("ascii")
    host, colon, port = text.partition(":")
    try:
        return idna.encode(host, uts46=True) + (colon + port).encode("utf-8", "surrogateescape")
    except idna.IDNAError:
        return text.encode("utf-8", "surrogateescape")
