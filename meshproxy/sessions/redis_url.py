"""Where is the Redis, and how does it know us? A URL, read into the endpoint to connect to and what to say there first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates

_NETWORK = re.compile(r"(rediss?)://(?:([^@/]*)@)?(\[[^\]]+\]|[^:/@?#]*)(?::([0-9]+))?(?:/([0-9]*))?")
_SOCKET = re.compile(r"unix:(?://(?:([^@/]*)@)?)?(/[^?]*)(?:\?db=([0-9]+))?")
_CONNECT_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One Redis.

    :ivar host: name or address, IPv6 without brackets; "" for a socket.
    :ivar path: of the socket.
    :ivar username: of the ACL user; "" for the default one.
    """

    host: str
    port: int
    path: str
    tls: bool
    username: str
    password: str
    database: int

    @classmethod
    def of(cls, url: str) -> RedisAddress:
        """Read ``redis://[USER:PASSWORD@]HOST[:PORT][/DB]``, ``rediss://…`` or ``unix:///PATH[?db=DB]``.

        :raises ValueError: it is none of them; the message does not repeat it.
        """
        network, socket = _NETWORK.fullmatch(url), _SOCKET.fullmatch(url)
        if network is not None:
            scheme, user_info, host, port, database = network.groups()
            path = ""
        elif socket is not None:
            user_info, path, database = socket.groups()
            scheme, host, port = "unix", "", None
        else:
            raise ValueError("a Redis URL is redis://HOST[:PORT][/DB], rediss://… or unix:///PATH")
        username, _, password = (user_info or "").partition(":")
        if not path:
            host = host.strip("[]") or "localhost"
        return cls(host, int(port or 6379), path, scheme == "rediss", unquote(username), unquote(password), int(database or 0))

    def __str__(self) -> str:
        """For people, without user and password."""
        return f"unix:{self.path}" if self.path else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<RedisAddress {self}>"

    def endpoint(self, reactor: Any, ca_file: Path | None = None) -> IStreamClientEndpoint:
        """What to connect to. TLS is verified against the system's CAs, or those of ``ca_file`` alone."""
        if self.path:
            return UNIXClientEndpoint(reactor, self.path, timeout=_CONNECT_TIMEOUT)  # type: ignore[arg-type]
        plain = HostnameEndpoint(reactor, self.host, self.port, timeout=_CONNECT_TIMEOUT)
        if not self.tls:
            return plain
        trust = platformTrust() if ca_file is None else trustRootFromCertificates(_certificates(ca_file))
        return wrapClientTLS(optionsForClientTLS(self.host, trustRoot=trust), plain)

    def greeting(self) -> list[tuple[str | int, ...]]:
        """The commands with which a connection begins; all must succeed."""
        commands: list[tuple[str | int, ...]] = []
        if self.password:
            commands.append(("AUTH", self.username, self.password) if self.username else ("AUTH", self.password))
        if self.database:
            commands.append(("SELECT", self.database))
        return [*commands, ("PING",)]


def _certificates(ca_file: Path) -> list[Certificate]:
    pem = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
    return [Certificate.loadPEM(found) for found in pem.findall(ca_file.read_bytes())]
