"""With which keys can a service verify our assertions? ``/_meshproxy/jwks.json`` (RFC 7517)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...core.heads import Answer
from .endpoint import Endpoint

if TYPE_CHECKING:
    from .visit import Visit


class Jwks(Endpoint):
    """The public keys, the ones of yesterday included; empty where nothing is signed."""

    with_session = False

    async def get(self, visit: Visit) -> Answer:
        """Services may keep it for five minutes: a new key is published before it signs."""
        fields = (
            (b"Content-Type", b"application/jwk-set+json"),
            (b"Cache-Control", b"public, max-age=300"),
            (b"X-Content-Type-Options", b"nosniff"),
        )
        return Answer(200, fields, json.dumps(self.parts.jwks()).encode("ascii") + b"\n")
