"""The JSON Schema of conf files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import schema
from meshproxy.config.complaints import keys_of
from meshproxy.config.main_model import MainFile
from meshproxy.config.service_model import ServiceFile

ROOT = Path(__file__).resolve().parent.parent


def fits(value: Any, rule: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """A validator for the keywords that the schema uses, and for no other (an unknown one is a KeyError)."""
    checks = {
        "$ref": lambda want: fits(value, definitions[want.removeprefix("#/$defs/")], definitions),
        "anyOf": lambda want: any(fits(value, one, definitions) for one in want),
        "type": lambda want: (
            isinstance(value, {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict, "null": type(None)}[want])
            and not (want == "integer" and isinstance(value, bool))
        ),
        "enum": lambda want: value in want,
        "pattern": lambda want: not isinstance(value, str) or re.search(want, value) is not None,
        "minLength": lambda want: not isinstance(value, str) or len(value) >= want,
        "minimum": lambda want: not isinstance(value, int) or value >= want,
        "minItems": lambda want: not isinstance(value, list) or len(value) >= want,
        "items": lambda want: not isinstance(value, list) or all(fits(one, want, definitions) for one in value),
        "patternProperties": lambda want: (
            not isinstance(value, dict)
            or all(
                fits(one, rule_, definitions) for pattern, rule_ in want.items() for key, one in value.items() if re.search(pattern, key)
            )
        ),
        "required": lambda want: not isinstance(value, dict) or set(want) <= set(value),
        "properties": lambda want: (
            not isinstance(value, dict) or all(fits(one, want[key], definitions) for key, one in value.items() if key in want)
        ),
        "propertyNames": lambda want: not isinstance(value, dict) or all(fits(key, want, definitions) for key in value),
        "additionalProperties": lambda want: (
            not isinstance(value, dict)
            or all(
                want if isinstance(want, bool) else fits(one, want, definitions)
                for key, one in value.items()
                if key not in rule.get("properties", {})
            )
        ),
        "default": lambda want: True,
        "description": lambda want: True,
        "examples": lambda want: True,
        "title": lambda want: True,
    }
    return all(checks[keyword](want) for keyword, want in rule.items())


def descriptions(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for table in node["$defs"].values():
        yield from table.get("properties", {}).items()


class SchemaTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.schema = schema()
        self.definitions = self.schema["$defs"]

    def fits(self, kind: str, text: str) -> bool:
        return fits(tomllib.loads(text), self.definitions[kind], self.definitions)

    def test_two_kinds_of_files(self) -> None:
        """$defs meshproxy and service, with their keys; it is JSON."""
        self.assertEqual(set(self.definitions["meshproxy"]["properties"]), set(MainFile.model_fields))
        self.assertEqual(set(self.definitions["service"]["properties"]), set(ServiceFile.model_fields))
        self.assertEqual(json.loads(json.dumps(self.schema)), self.schema)

    def test_every_reference_leads_somewhere(self) -> None:
        """Within the document."""
        found = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.schema)))
        self.assertTrue(found)
        self.assertEqual({ref for ref in found if ref.removeprefix("#/$defs/") not in self.definitions}, set())

    def test_every_key_is_described(self) -> None:
        """What an editor shows."""
        described = {name for name, table in self.definitions.items() if table.get("description")}
        missing = [
            name
            for name, rule in descriptions(self.schema)
            if not rule.get("description") and rule.get("$ref", "").removeprefix("#/$defs/") not in described
        ]
        self.assertEqual(missing, [])

    def test_what_loads_fits(self) -> None:
        """The embedded default, and a file with every key of the contract."""
        for directory in ("conf", "tests/data/conf_full"):
            self.assertTrue(self.fits("meshproxy", (ROOT / directory / "meshproxy.toml").read_text("utf-8")), directory)
            for path in (ROOT / directory / "services").glob("*.toml"):
                self.assertTrue(self.fits("service", path.read_text("utf-8")), path)

    def test_defaults_fit(self) -> None:
        """Written as in a file, so that an editor may insert them."""
        for name, rule in descriptions(self.schema):
            if "default" in rule:
                self.assertTrue(fits(rule["default"], rule, self.definitions), name)

    def test_what_does_not_load_does_not_fit(self) -> None:
        """Unknown keys, wrong types and values, missing ones."""
        public = 'public_url = "https://a.example"\n'
        for kind, text in (
            ("meshproxy", ""),
            ("meshproxy", public + "x = 1"),
            ("meshproxy", public + 'mesh = "yes"'),
            ("meshproxy", public + "[log]\nlevel = 'loud'"),
            ("meshproxy", public + "[identity.corp]\nissuer = 'x'"),
            ("meshproxy", public + "[limits]\nhead = '10'"),
            ("meshproxy", public + "[limits]\nfields = 0"),
            ("service", "upstream = 'http://a'"),
            ("service", "[access]\npublic = true"),
            ("service", "upstream = 'ftp://a'\n[access]"),
            ("service", "upstream = 'http://a'\n[access]\ngroups = 'a'"),
            ("service", "upstream = 'http://a'\n[access]\n[route]\npath = 'x'"),
        ):
            with self.subTest(text):
                self.assertFalse(self.fits(kind, text))

    def test_the_full_sample_has_every_key(self) -> None:
        """A key that is added to a model is added to the sample."""
        for model, path in ((MainFile, "meshproxy.toml"), (ServiceFile, "services/grafana.toml")):
            text = (ROOT / "tests/data/conf_full" / path).read_text("utf-8")
            missing = [key for key in keys_of(model) if not re.search(rf"\b{key.rpartition('.')[2]}\b", text)]
            self.assertEqual(missing, [])
