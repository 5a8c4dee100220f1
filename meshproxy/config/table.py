"""What have all tables of conf files in common? Unknown keys are refused, types are exact, values do not change."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A TOML table whose keys we know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)


class OpenTable(Table):
    """A TOML table whose other keys belong to a plugin; they are kept as they stand (``model_extra``)."""

    model_config = ConfigDict(extra="allow")


def key(default: Any, description: str, **more: Any) -> Any:
    """A key with a default, written as in the file (``"30s"``), so that the JSON Schema and the docs say the same."""
    return Field(default=default, description=description, **more)


def tables(factory: Any, description: str) -> Any:
    """A key that holds a table, an array of tables, or tables by name; absent means empty."""
    return Field(default_factory=factory, description=description)


def required(example: str, description: str) -> Any:
    """A key that must be there. ``example`` stands in for a value that is wrong, so that the rest of the file is still judged."""
    return Field(description=description, examples=[example])
