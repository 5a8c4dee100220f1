"""Under which names is a thing known? Public origins that browsers use, and upstreams where services live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a browser calls an origin (RFC 6454). ``host`` is lower case, IPv6 in brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, the port left out where it is the scheme's default (RFC 9110 §4.2)."""
        return self.host if self.port == {"http": 80, "https": 443}.get(self.scheme) else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """The serialisation browsers send in ``Origin``."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a service lives.

    :ivar scheme: ``http``, ``https``, ``unix`` (plain HTTP over a Unix socket) or ``sample`` (the built-in one).
    :ivar host: host name or address as in the URL, lower case, IPv6 in brackets; ``localhost`` for unix and sample.
    :ivar path: of ``unix:`` the socket's path; of ``http(s)`` a path prefix that is put before every target, or "".
    """

    scheme: Literal["http", "https", "unix", "sample"]
    host: str
    port: int
    path: str = ""
    url: str = ""

    @property
    def authority(self) -> str:
        """The Host that a sidecar routes by: the name, and the port where it is not the scheme's default."""
        if self.scheme in ("unix", "sample"):
            return "localhost"
        return self.host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """The origin that the service sees itself under."""
        return f"{'https' if self.scheme == 'https' else 'http'}://{self.authority}"
