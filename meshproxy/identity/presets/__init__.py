"""What is known about a provider before its operator says a word? A small data file each, and code only where one is odd.

A preset fills in what an ``[identity.NAME]`` table leaves out; what stands in the table wins.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ..oddities import Oddities

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Preset:
    """One data file.

    :ivar title: what people call the provider.
    :ivar issuer: the form of its issuers, for messages.
    :ivar defaults: settings in place of those that the table leaves out.
    :ivar options: the names of settings that only this preset understands.
    :ivar oddities: the class of what is odd about it.
    :ivar end_session_return: how its logout calls the address to come back to.
    """

    name: str
    title: str
    issuer: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    oddities: type[Oddities] = Oddities
    end_session_return: str = "post_logout_redirect_uri"


@cache
def preset_names() -> tuple[str, ...]:
    """The presets there are."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load_preset(name: str) -> Preset:
    """A preset by its name.

    :raises KeyError: there is none of that name.
    """
    if name not in preset_names():
        raise KeyError(name)
    data = tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))
    oddities = import_module(f"{__name__}.{name}").Odd if data.pop("odd", False) else Oddities
    options = tuple(data.pop("options", ()))
    return Preset(name=name, oddities=oddities, options=options, **data)
