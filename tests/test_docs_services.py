"""docs/services/: what the pages tell people to write is what meshproxy reads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import load

from .support.conf_dirs import ConfDir

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "services"
PAGES = {page.name: page.read_text("utf-8") for page in sorted(FOLDER.glob("*.md"))}


class ServicesDocsTests(SynchronousTestCase):
    def test_the_files_load(self) -> None:
        """Each page's files, together, and once more with each of its further settings in place of the file's own."""
        for name, text in PAGES.items():
            blocks = re.findall(r"^ *```toml\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
            files = {block.split("\n")[0].removeprefix("# "): block for block in blocks if block.startswith("# services/")}
            self.assertEqual(name != "README.md", bool(files), name)
            further = [block for block in blocks if block not in files.values()]
            for block in ["", *further]:
                conf = ConfDir(self)
                for number, (path, content) in enumerate(files.items()):
                    replaced = [key for key in tomllib.loads(block) if f"[{key}]" in content and f"[[{key}]]" not in content]
                    kept = content if number or not replaced else _without(content, replaced[0])
                    conf.write(path, kept + ("" if number else "\n" + block))
                loaded = load(conf.path, environ={})
                self.assertLess({Path(path).stem for path in files}, {service.name for service in loaded.settings.services}, name)

    def test_the_table(self) -> None:
        """Every page stands in the table, as tried for real; every row says how it was tried."""
        lines = [line for line in PAGES["README.md"].splitlines() if line.startswith("| ")]
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        self.assertEqual({5}, {len(row) for row in rows})
        linked = {page: row[4] for row in rows for page in re.findall(r"\]\((\w[\w-]*\.md)\)", row[0])}
        self.assertEqual(set(PAGES) - {"README.md"}, set(linked))
        self.assertTrue(all(tried.startswith("real: ") for tried in linked.values()), linked)
        self.assertEqual([], [row for row in rows[1:] if not re.match(r"real: \d|by hand: \d|documentation$", row[4])])


def _without(text: str, table: str) -> str:
    """TOML without one of its tables."""
    return re.sub(rf"^\[{table}\]\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
