"""Where do our pages get their files? ``/_meshproxy/static/NAME.HASH.EXT``, to be kept for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.heads import Answer
from .endpoint import Endpoint

if TYPE_CHECKING:
    from twisted.web.resource import IResource

    from ..assets import Asset
    from .parts import OwnParts
    from .visit import Visit

# An icon is the operator's file; an SVG opened by itself may not run scripts or load anything.
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Static(Endpoint):
    """The files of :class:`meshproxy.web.assets.Assets`."""

    isLeaf = False
    with_session = False

    def getChild(self, path: bytes, request: Any) -> IResource:
        """One file, by the last segment of its URL."""
        return StaticFile(self.parts, self.parts.pages.assets.find(path.decode("utf-8", "replace")))

    async def get(self, visit: Visit) -> Answer:
        """There is no list of them."""
        return visit.problem(404, "there is no such file")


class StaticFile(Endpoint):
    """One file, or none."""

    with_session = False

    def __init__(self, parts: OwnParts, asset: Asset | None) -> None:
        Endpoint.__init__(self, parts)
        self._asset = asset

    async def get(self, visit: Visit) -> Answer:
        """The file; its content never changes under this URL."""
        if self._asset is None:
            return visit.problem(404, "there is no such file")
        return Answer(
            200,
            (
                (b"Content-Type", self._asset.content_type),
                (b"Cache-Control", b"public, max-age=31536000, immutable"),
                (b"X-Content-Type-Options", b"nosniff"),
                (b"Content-Security-Policy", _POLICY),
                # Nothing secret, and the page for a host that nobody serves (421) has it from the host of public_url.
                (b"Cross-Origin-Resource-Policy", b"cross-origin"),
            ),
            self._asset.body,
        )
