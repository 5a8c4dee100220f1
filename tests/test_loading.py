"""Where plugins come from, and what is said of those that cannot be imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.plugins.loading import BUILT_IN, Plugin, find_plugins
from meshproxy.problems import Problem


class FindPluginsTests(SynchronousTestCase):
    """Built-ins, packages, conf files."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp())
        (self.conf_dir / "plugins").mkdir(parents=True)

    def write(self, name: str, text: str) -> Path:
        path = self.conf_dir / "plugins" / name
        path.write_text(text)
        return path

    def find(self) -> list[Plugin | Problem]:
        return [found for found in find_plugins(self.conf_dir) if isinstance(found, Problem) or found.source != BUILT_IN]

    def problem(self, text: str) -> str:
        self.write("acme.py", text)
        (found,) = self.find()
        self.assertIsInstance(found, Problem)
        self.assertEqual(found.file, "plugins/acme.py")  # type: ignore[union-attr]
        return str(found.message)  # type: ignore[union-attr]

    def test_built_ins(self) -> None:
        """Every module of meshproxy.builtin is a plugin; no conf directory is needed for them."""
        found = [plugin.name for plugin in find_plugins(None) if isinstance(plugin, Plugin) and plugin.source == BUILT_IN]
        self.assertLessEqual({"forwarded_user", "grafana", "users", "jsonl", "memory_store"}, set(found))
        self.assertEqual(found, sorted(found))

    def test_conf_files(self) -> None:
        """Each file in plugins/ but those that begin with _ or a dot, in order; no plugins directory is fine."""
        for name in ("b.py", "a.py", "_c.py", ".d.py", "e.txt"):
            self.write(name, "x = 1")
        found = self.find()
        names = [(each.name, each.source) for each in found if isinstance(each, Plugin)]
        self.assertEqual(names, [("a", "plugins/a.py"), ("b", "plugins/b.py")])
        self.assertEqual(len(found), 2)
        self.assertTrue(list(find_plugins(self.conf_dir / "absent")))

    def test_what_is_wrong(self) -> None:
        """The line of the plugin's own file, the error's kind and words; SystemExit is only one of them."""
        before = set(sys.modules)
        for text, words in (
            ("\nimport no_such_module", "line 2: ModuleNotFoundError: No module named 'no_such_module'"),
            ("def f():\n    return 1 +\n", "line 2: SyntaxError: invalid syntax"),
            ("def f():\n    import json\n    json.loads('')\n\nf()", "line 3: JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
            ("import sys\nsys.exit(3)", "line 2: SystemExit: 3"),
        ):
            self.assertEqual(self.problem(text), f"cannot be imported: {words}")
        self.assertIn("cannot be imported: ", self.problem("x = '\0'"))
        self.assertEqual([name for name in set(sys.modules) - before if name.startswith("_meshproxy_plugin")], [])

    def test_siblings_are_not_importable(self) -> None:
        """A plugin's neighbours are not on the import path, and nothing of conf/plugins is."""
        self.write("helper_of_acme.py", "x = 1")
        self.assertIn("No module named 'helper_of_acme'", str(self._with("import helper_of_acme")))

    def _with(self, text: str) -> list[Plugin | Problem]:
        self.write("acme.py", text)
        return self.find()

    def test_nothing_is_written(self) -> None:
        """No byte code appears beside conf files, and an old file's is never used for a new one of the same age and size."""
        path = self.write("acme.py", "value = 1")
        os.utime(path, (1, 1))
        (first,) = self.find()
        path.write_text("value = 2")
        os.utime(path, (1, 1))
        (second,) = self.find()
        self.assertEqual([first.implementation.value, second.implementation.value], [1, 2])  # type: ignore[union-attr]
        self.assertEqual([each.name for each in (self.conf_dir / "plugins").iterdir()], ["acme.py"])

    def test_annotations_work(self) -> None:
        """Dataclasses and pydantic models with postponed annotations work in a plugin's file."""
        (found,) = self._with(
            "from __future__ import annotations\nfrom dataclasses import dataclass, field\nfrom pydantic import BaseModel\n"
            "@dataclass(slots=True)\nclass A:\n    x: list[int] = field(default_factory=list)\nclass M(BaseModel):\n    a: Later\n"
            "class Later(BaseModel):\n    y: int = 1\nM.model_rebuild()\nmade = M(a={})\n"
        )
        self.assertIsInstance(found, Plugin)

    def test_packages(self) -> None:
        """An installed package's entry point in group meshproxy; one that cannot be imported names the package."""
        site = Path(self.mktemp()).absolute()
        info = site / "acme_meshproxy-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-meshproxy\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text("[meshproxy]\nacme = acme_meshproxy_for_tests\nbroken = acme_meshproxy_absent\n")
        (site / "acme_meshproxy_for_tests.py").write_text("value = 1")
        sys.path.insert(0, str(site))
        self.addCleanup(sys.path.remove, str(site))
        good, broken = self.find()
        self.assertEqual((good.name, good.source), ("acme", "package acme-meshproxy 1.2"))  # type: ignore[union-attr]
        self.assertEqual(good.implementation.value, 1)  # type: ignore[union-attr]
        self.assertEqual(str(broken), "package acme-meshproxy 1.2: broken: cannot be imported: "
                                      "ModuleNotFoundError: No module named 'acme_meshproxy_absent'")
