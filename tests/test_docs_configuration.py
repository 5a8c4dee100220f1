"""docs/configuration.md says every key, with its default, and no other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.complaints import table_at
from meshproxy.config.main_model import MainFile
from meshproxy.config.service_model import ServiceFile

from .support.conf_dirs import ConfDir

TEXT = (Path(__file__).resolve().parent.parent / "docs/configuration.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \| (.*?) \| (.+) \|$", re.MULTILINE)

#: Heading of each table's section, its model, and the location at which the model stands.
SECTIONS = {
    "## meshproxy.toml": MainFile,
    "### [log]": table_at(MainFile, ("log",)),
    "### [operators]": table_at(MainFile, ("operators",)),
    "### [session]": table_at(MainFile, ("session",)),
    "### [identity.NAME]": table_at(MainFile, ("identity", "x")),
    "### [limits]": table_at(MainFile, ("limits",)),
    "### [audit.NAME]": table_at(MainFile, ("audit", "x")),
    "### [tls]": table_at(MainFile, ("tls",)),
    "### [[tls.more]]": table_at(MainFile, ("tls", "more", 0)),
    "## services/NAME.toml": ServiceFile,
    "### [route]": table_at(ServiceFile, ("route",)),
    "### [access]": table_at(ServiceFile, ("access",)),
    "### [request]": table_at(ServiceFile, ("request",)),
    "### [response]": table_at(ServiceFile, ("response",)),
    "### [[rewrite]]": table_at(ServiceFile, ("rewrite", 0)),
    "### [timeouts]": table_at(ServiceFile, ("timeouts",)),
    "### [pool]": table_at(ServiceFile, ("pool",)),
    "### [tls] of a service": table_at(ServiceFile, ("tls",)),
}


def rows(heading: str) -> dict[str, str]:
    """Key and default of each row in the first table below a heading."""
    section = re.split(r"^#{2,3} ", TEXT.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return {key: default for key, default, _ in ROW.findall(section.partition("\nThe keys that most")[0])}


def keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a model that are values; tables in it have sections of their own."""
    for name in model.model_fields:
        if ((table := table_at(model, (name,))) is None and table_at(model, (name, 0)) is None) or (model, name) == (
            SECTIONS["### [tls]"],
            "more",
        ):
            yield name
        else:
            assert table in SECTIONS.values() or table_at(model, (name, 0)) in SECTIONS.values(), name


def written(value: Any) -> str:
    """A default as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).replace("'", '"')


class ConfigurationDocsTests(SynchronousTestCase):
    def test_every_key_stands_in_its_section(self) -> None:
        """And no key that does not exist."""
        for heading, model in SECTIONS.items():
            assert model is not None
            self.assertEqual(list(rows(heading)), list(keys(model)), heading)

    def test_defaults_are_the_real_ones(self) -> None:
        """Where a default is a value it is that of the model; where it is words, the model has none of its own."""
        for heading, model in SECTIONS.items():
            assert model is not None
            for key, said in rows(heading).items():
                info = model.model_fields[key]
                default = info.default_factory() if info.default_factory else info.default  # type: ignore[call-arg]
                with self.subTest(f"{heading} {key}"):
                    if default is PydanticUndefined:
                        self.assertEqual(said, "required")
                    elif default is None:
                        self.assertFalse(said.startswith("`"), said)
                    else:
                        self.assertEqual(said, f"`{written(default)}`")

    def test_the_first_sample_loads(self) -> None:
        """What is shown first can be pasted."""
        blocks = re.findall(r"^```toml\n# conf/(\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
        self.assertEqual([name for name, _ in blocks], ["meshproxy.toml", "services/grafana.toml"])
        conf = ConfDir(self)
        (conf.path / "services/orders.toml").unlink()
        conf.write("session.key", "A" * 43)
        conf.write("secrets/corp", "secret")
        for name, text in blocks:
            tomllib.loads(text)
            conf.write(name, text)
        self.assertEqual(conf.problems(), [])
