"""How is our sidecar's admin read? By GET alone, bounded, over a connection of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..core.evidence import Evidence
from ..core.places import Upstream
from ..settings import PoolSettings, ServiceSettings
from .asking import ask
from .equipment import Equipment

_MOST_BYTES = 8 * 1024 * 1024


class SidecarAdmin:
    """The admin at ``sidecar_admin`` (``http://127.0.0.1:15000``)."""

    def __init__(self, equipment: Equipment, service: ServiceSettings) -> None:
        url = urlsplit(equipment.settings.sidecar_admin)
        self._upstream = Upstream("http", url.hostname or "127.0.0.1", url.port or 80)
        self._clock: Any = equipment.reactor
        self._pool = equipment.pool(self._upstream, replace(service, pool=PoolSettings(idle=0.0), tls=None))

    async def get(self, path: str) -> bytes | None:
        """The body of a 200; ``None`` for anything else."""
        evidence = await self.ask(path)
        return evidence.body if evidence.status == 200 and evidence.end == "answered" else None

    async def ask(self, path: str) -> Evidence:
        """What came."""
        head = f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: {self._upstream.authority}\r\nAccept: */*\r\n\r\n"
        return await ask(self._pool, head.encode("ascii"), self._clock, kept_bytes=_MOST_BYTES, enough_bytes=_MOST_BYTES)
