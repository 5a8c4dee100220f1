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
    definitions = {
        _name(name, names): _for_toml(body, names)
        for name, body in generated["$defs"].items()
        if name in names or name.endswith("Table")  # the others are values of ours, which files write as strings
    }
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


def _for_toml(node: Any, names: dict[str, str]) -> Any:
    """The same with references into this document, without titles that pydantic makes of names, without the null that TOML has not."""
    if isinstance(node, list):
        return [_for_toml(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for name, value in node.items():
        if name == "$ref":
            found[name] = f"#/$defs/{_name(value, names)}"
        elif name == "anyOf" and {"type": "null"} in value and len(value) == 2:
            found.update(_for_toml(next(one for one in value if one != {"type": "null"}), names))
        elif not (name == "title" and isinstance(value, str)) and not (name == "default" and value is None):
            found[name] = _for_toml(value, names)
    return found
