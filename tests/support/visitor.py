"""A browser without a screen: keeps cookies, follows redirects, fills in the login form. For a running meshproxy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

from .running import Running

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer."""

    url: str
    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of a field."""
        return [value for known, value in self.fields if known.lower() == name]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Visitor:
    """One person's browser."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.cookies: dict[str, str] = {}

    async def ask(self, path: str, *lines: str, method: str = "GET", body: bytes = b"", accept: str = "text/html") -> Seen:
        """One request, as a navigation unless ``accept`` says otherwise. ``lines`` are further field lines."""
        url = urljoin(self._running.url, path)
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Accept: {accept}", "Connection: close", *lines]
        if self.cookies:
            head.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body:
            head.append(f"Content-Length: {len(body)}")
        answer = await self._running.exchange("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        return self._read(url, answer)

    def _read(self, url: str, answer: bytes) -> Seen:
        head, _, content = answer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        for name, value in fields:
            if name.lower() == "set-cookie":
                cookie, _, attributes = value.partition(";")
                key, _, held = cookie.partition("=")
                if "max-age=0" in attributes.lower():
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = held
        if any(name.lower() == "transfer-encoding" for name, _ in fields):
            content = _dechunked(content)
        return Seen(url, int(status_line.split(" ")[1]), fields, content)

    async def go(self, path: str) -> Seen:
        """Open a page, over its redirects."""
        seen = await self.ask(path)
        for _ in range(10):
            if seen.status not in (301, 302, 303, 307):
                return seen
            seen = await self.ask(urljoin(seen.url, seen.values("location")[0]))
        raise AssertionError(f"more than ten redirects, the last to {seen.url}")

    async def log_in(self, path: str, username: str, password: str) -> Seen:
        """Open a page that wants a login, fill in the form; what comes then, over its redirects."""
        form = await self.go(path)
        (csrf,), action = _CSRF.findall(form.text)[:1], _ACTION.search(form.text)
        assert action is not None, form.text
        body = urlencode({"csrf": csrf, "username": username, "password": password}).encode()
        origin = f"Origin: {self._running.url}"
        where = urljoin(form.url, action[1].replace("&amp;", "&"))
        answer = await self.ask(where, origin, "Content-Type: application/x-www-form-urlencoded", method="POST", body=body)
        return await self.go(urljoin(where, answer.values("location")[0])) if answer.status == 303 else answer


def _dechunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            break
        whole += data[:length]
        data = data[length + 2 :]
    return whole
