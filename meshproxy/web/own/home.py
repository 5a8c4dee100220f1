"""What is there for me? The home page, a tile a service; and the same as JSON.

A service is shown to those who may enter it, unless its file says otherwise (``[access] show``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from ...core.access import Allowed, judge
from .challenge import challenge, login_needed
from .endpoint import Endpoint
from .login import initial
from .targets import here

if TYPE_CHECKING:
    from ...core.heads import Answer
    from ...core.principal import Principal
    from .parts import OwnParts
    from .visit import Visit

_HUES = 6


@dataclass(frozen=True, slots=True)
class Tile:
    """One service as it is shown. ``needs``: groups any of which would do, where it is closed."""

    name: str
    title: str
    description: str
    url: str
    icon: str
    allowed: bool
    needs: tuple[str, ...] = ()

    @property
    def letter(self) -> str:
        """What stands where there is no icon."""
        return initial(self.title)

    @property
    def hue(self) -> int:
        """Its colour: always the same for a service."""
        return crc32(self.name.encode()) % _HUES


def tiles(parts: OwnParts, principal: Principal | None) -> Iterator[Tile]:
    """What this person is shown, in the order of the titles."""
    for service in sorted(parts.directory.services(), key=lambda one: (one.title.casefold(), one.name)):
        judgement = judge(service.access, principal)
        allowed = isinstance(judgement, Allowed)
        if service.access.show == "never" or (service.access.show == "allowed" and not allowed):
            continue
        yield Tile(
            service.name,
            service.title,
            service.description,
            parts.directory.url(service),
            parts.pages.assets.icon(service.icon),
            allowed,
            () if isinstance(judgement, Allowed) else judgement.needs,
        )


class Home(Endpoint):
    """``/_meshproxy/``, and ``/`` of the public host where no service has it."""

    async def get(self, visit: Visit) -> Answer:
        """The tiles, for somebody who is logged in."""
        if visit.session is None:
            return await challenge(visit)
        return visit.page(200, "home.html", tiles=list(tiles(self.parts, visit.principal)))


class Services(Endpoint):
    """``/_meshproxy/services``: the tiles for programs."""

    async def get(self, visit: Visit) -> Answer:
        """``needs`` stands where a service is closed."""
        if visit.session is None:
            return login_needed(visit, here(visit))
        shown = []
        for tile in tiles(self.parts, visit.principal):
            entry: dict[str, object] = {
                "name": tile.name,
                "title": tile.title,
                "description": tile.description,
                "url": tile.url,
                "icon": tile.icon,
                "allowed": tile.allowed,
            }
            if not tile.allowed:
                entry["needs"] = {"groups": list(tile.needs)}
            shown.append(entry)
        return self.parts.pages.json(200, {"services": shown})
