"""What does pydantic's refusal mean to an operator? One sentence and a hint for each key, in the words of the conf file.

The rule: a message never repeats a value, except where the kind itself (:mod:`.kinds`) says that it is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from .wrong import Wrong, did_you_mean

Location = Sequence[int | str]

_SENTENCES: Mapping[str, str] = {
    "missing": "required, and missing",
    "string_type": "must be a string in quotes",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list: [\"…\"]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_too_short": "must not be empty",
    "too_short": "must not be an empty list",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
}


def dotted(location: Location) -> str:
    """``identity.corp.type``, ``rewrite.0.use``: where in the file."""
    return ".".join(str(part) for part in location if part != "[key]")


def explain(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str | None]:
    """Message and hint of one error of ``model``."""
    kind, location, context = error["type"], error["loc"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(model, location)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        return f"must be {context['expected']}", did_you_mean(error["input"], allowed)
    if kind == "list_type" and table_at(model, (*location, 0)) is not None:
        return "must be an array of tables", f"did you mean [[{dotted(location)}]]?"
    if kind == "model_type" and len(location) > 1 and table_at(model, location[:-1]) is None:
        return "must be a table", f"did you mean [{dotted(location[:-1])}.NAME] above it?"
    if kind == "value_error":
        refusal = context["error"]
        return str(refusal), refusal.hint if isinstance(refusal, Wrong) else None
    sentence = _SENTENCES.get(kind)
    return (sentence.format(**context) if sentence else error["msg"].lower()), None


def unknown_key(model: type[BaseModel], location: Location) -> tuple[str, str | None]:
    """Message and hint for a key that its table does not have: a close one beside it, else the same name in another table."""
    name = str(location[-1])
    table = table_at(model, location[:-1])
    allowed = list(table.model_fields) if table else []
    hint = did_you_mean(name, allowed)
    if hint is None:
        elsewhere = next((place for place in keys_of(model) if place.rpartition(".")[2] == name), None)
        if elsewhere:
            hint = f"did you mean '{elsewhere}'?" if "." in elsewhere else f"'{name}' stands above the first [table]"
    return "unknown key", hint


def table_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model of the table at ``location`` inside ``model``; ``None`` where there is none."""
    table: type[BaseModel] | None = model
    remaining = list(location)
    while remaining and table is not None:
        found = table.model_fields.get(str(remaining.pop(0)))
        table, steps = _nested(found.annotation) if found else (None, 0)
        if len(remaining) < steps:
            return None  # the place between: [identity] itself, not one of the tables in it
        del remaining[:steps]
    return table


def keys_of(model: type[BaseModel], prefix: str = "", stars: bool = False) -> Iterator[str]:
    """Every dotted key of a model and of the tables in it; with ``stars``, tables by name and arrays have a ``*`` in the key."""
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, info in model.model_fields.items():
        table, steps = _nested(info.annotation)
        yield prefix + name
        if table is not None:
            nested.append((f"{prefix}{name}.{'*.' * steps if stars else ''}", table))
    for inner, table in nested:
        yield from keys_of(table, inner, stars)


def _nested(annotation: Any) -> tuple[type[BaseModel] | None, int]:
    """The model inside ``Model``, ``Model | None``, ``list[Model]``, ``dict[str, Model]``, and how many parts of a location it takes."""
    if get_origin(annotation) in (Union, UnionType):
        inner = [part for part in get_args(annotation) if part is not NoneType]
        return _nested(inner[0]) if len(inner) == 1 else (None, 0)
    if get_origin(annotation) in (list, dict):
        return _nested(get_args(annotation)[-1])[0], 1
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, 0
    return None, 0
