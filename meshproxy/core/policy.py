"""What has the operator said about one service, as far as the rules of a request need it? Frozen values.

They are parts of :class:`meshproxy.settings.ServiceSettings`; they stand here because the rules of ``core/`` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may enter: any one of the rules met is enough; ``providers`` narrows all of them (contract §2.2)."""

    public: bool = False
    authenticated: bool = False
    groups: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    show: Literal["allowed", "always", "never"] = "allowed"
    preflight: Literal["challenge", "forward"] = "challenge"


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """``host`` is lower case without port; ``path`` begins with ``/`` and does not end with one, unless it is ``/``."""

    host: str
    path: str = "/"
    strip_path: bool = False


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """``host`` is ``"upstream"``, ``"preserve"`` or the literal that is sent."""

    host: str = "upstream"
    origin: Literal["rewrite", "keep", "drop"] = "rewrite"
    allowed_origins: tuple[str, ...] = ()
    authorization: Literal["keep", "drop"] = "keep"
    strip: tuple[str, ...] = ()
    body_bytes: int | None = None
    via: bool = False


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """What is done to a service's answer."""

    locations: Literal["rewrite", "keep"] = "rewrite"
    strip: tuple[str, ...] = ()
