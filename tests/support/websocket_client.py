"""The browser's end of a WebSocket (RFC 6455), written for tests alone: it shares no line with what it tests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

from .raw_http import RawClient
from .running import Running

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The server said something other than 101.

    :ivar answer: the head, and the body as far as it came.
    """

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer[:300])
        self.answer = answer
        self.status = int(answer.split(b" ", 2)[1])


class WebSocket:
    """One open WebSocket; make it with :meth:`open`."""

    def __init__(self, client: RawClient, head: bytes, rest: bytes) -> None:
        self._client = client
        self._buffer = rest
        self.head = head

    @classmethod
    async def open(cls, running: Running, path: str, *lines: str, origin: str | None = None) -> WebSocket:
        """Shake hands through a meshproxy. Raises :class:`Refused`.

        :param lines: further field lines, cookies among them.
        :param origin: default: the page is meshproxy's own.
        """
        key = base64.b64encode(os.urandom(16))
        client = await running.connect()
        head = [f"GET {path} HTTP/1.1", f"Host: {running.url.partition('//')[2]}", "Connection: Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}", f"Origin: {origin or running.url}", *lines]  # fmt: skip
        client.write("\r\n".join([*head, "", ""]).encode("latin-1"))
        answer, _, rest = (await client.until(b"\r\n\r\n")).partition(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101 "):
            transport: Any = client.transport
            transport.loseConnection()
            await client.closed
            raise Refused(answer + b"\r\n\r\n" + rest + client.take())
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        assert b"sec-websocket-accept: " + accept.lower() in answer.lower(), answer
        return cls(client, answer, rest)

    def send(self, message: str | bytes | dict[str, Any] | list[Any]) -> None:
        """A message: text, bytes, or JSON of anything else."""
        if isinstance(message, bytes):
            self._write(BINARY, message)
        else:
            self._write(TEXT, (message if isinstance(message, str) else json.dumps(message)).encode())

    def close(self, code: int = 1000) -> None:
        """Begin the end."""
        self._write(CLOSE, code.to_bytes(2, "big"))

    async def receive(self) -> str | bytes:
        """The next message. :raises ConnectionError: when there is none any more."""
        message, kind = b"", 0
        while True:
            final, opcode, payload = await self._frame()
            if opcode == PING:
                self._write(PONG, payload)
            elif opcode == CLOSE:
                raise ConnectionError(f"closed by the server: {int.from_bytes(payload[:2], 'big')} {payload[2:]!r}")
            elif opcode != PONG:
                message, kind = message + payload, opcode or kind
                if final:
                    return message.decode() if kind == TEXT else message

    async def receive_json(self) -> Any:
        """The next message, which is JSON."""
        return json.loads(await self.receive())

    def _write(self, opcode: int, payload: bytes) -> None:
        mask, size = os.urandom(4), len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b"\x7f" + size.to_bytes(8, "big")
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self._client.write(bytes([0x80 | opcode, 0x80 | length[0]]) + length[1:] + mask + masked)

    async def _frame(self) -> tuple[bool, int, bytes]:
        first, size = await self._take(2)
        assert not size & 0x80, "a server masks nothing"
        if size >= 126:
            size = int.from_bytes(await self._take(2 if size == 126 else 8), "big")
        return bool(first & 0x80), first & 0x0F, await self._take(size)

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            more = await self._client.until(lambda data: bool(data))
            if not more:
                raise ConnectionError("closed without a word")
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken
