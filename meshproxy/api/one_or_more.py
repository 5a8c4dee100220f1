"""How are one or several names written? ``"sre"`` or ``["sre", "dev"]``: a pydantic type for the settings of plugins."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""One name, or a list of them; a tuple always."""
