"""How does an editor know what may stand in conf files? One JSON Schema document, made from the models that read them.

The rule: nothing is described twice; ``$defs`` ``meshproxy`` and ``service`` are the two kinds of files.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .main_model import MainFile
from .service_model import ServiceFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMES: dict[type[BaseModel], str] = {MainFile: "meshproxy", ServiceFile: "service"}


def schema() -> dict[str, Any]:
    """The document: ``$defs`` ``meshproxy``, ``service`` and one for each table in them; a document is one of the two."""
    _, generated = models_json_schema([(model, "validation") for model in _NAMES], ref_template="{model}")
    names = {model.__name__: name for model, name in _NAMES.items()}
    definitions = {_name(name, names): _renamed(body, names) for name, body in generated["$defs"].items()}
    return {
        "$schema": DIALECT,
        "title": "meshproxy",
        "description": "Conf files of meshproxy: meshproxy.toml is $defs/meshproxy, services/NAME.toml is $defs/service.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in _NAMES.values()],
        "$defs": dict(sorted(definitions.items())),
    }


def _name(model: str, names: dict[str, str]) -> str:
    """``LogTable`` is ``log``, ``ListenTlsTable`` is ``listen-tls``."""
    return names.get(model) or re.sub(r"(?<!^)(?=[A-Z])", "-", model.removesuffix("Table")).lower()


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """The same with references that point into this document, and without the titles that pydantic makes of key names."""
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: f"#/$defs/{_name(value, names)}" if name == "$ref" else _renamed(value, names)
        for name, value in node.items()
        if not (name == "title" and isinstance(value, str))
    }
