"""``jsonl``."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError
from meshproxy.api.testing import context, event, make
from meshproxy.builtin.jsonl import JsonLines


class FileTests(SynchronousTestCase):
    """A file in the conf directory."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp())
        self.conf_dir.mkdir()
        self.path = self.conf_dir / "audit.jsonl"
        self.logger = make(JsonLines, {"path": "audit.jsonl"}, given=context(conf_dir=self.conf_dir))
        self.addCleanup(self.logger.stop)

    def lines(self, path: Path | None = None) -> list[dict[str, object]]:
        return [json.loads(line) for line in (path or self.path).read_text().splitlines()]

    def test_one_line_each(self) -> None:
        """Each event is one line of JSON, written when record comes back; the file is its owner's alone."""
        events = [event(), event("logout", reason="line\nbreak \u2028 é \ud800")]
        for each in events:
            self.assertIsNone(self.logger.record(each))
        self.assertEqual(self.lines(), events)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_appends(self) -> None:
        """A new start goes on where the last one ended."""
        self.logger.record(event("login.succeeded"))
        self.logger.stop()
        self.logger.record(event("logout"))
        self.assertEqual([line["event"] for line in self.lines()], ["login.succeeded", "logout"])

    def test_rotated(self) -> None:
        """Renamed or removed, the file is made anew; the old one gets nothing more."""
        self.logger.record(event("one"))
        os.rename(self.path, self.conf_dir / "old")
        self.logger.record(event("two"))
        self.path.unlink()
        self.logger.record(event("three"))
        self.assertEqual([line["event"] for line in self.lines()], ["three"])
        self.assertEqual([line["event"] for line in self.lines(self.conf_dir / "old")], ["one"])

    def test_failure(self) -> None:
        """What cannot be written raises: no such directory any more, no JSON; afterwards it works again."""
        self.path.unlink()
        self.conf_dir.rename(self.conf_dir.with_suffix(".away"))
        self.assertRaises(FileNotFoundError, self.logger.record, event())
        self.conf_dir.with_suffix(".away").rename(self.conf_dir)
        self.assertRaises(TypeError, self.logger.record, event(reason=object()))
        self.logger.record(event())
        self.assertEqual(len(self.lines()), 1)

    def test_unwritable_path(self) -> None:
        """A path that cannot be opened stops the start."""
        for path in ("absent/audit.jsonl", ".", ""):
            self.assertRaises(ConfError, make, JsonLines, {"path": path}, given=context(conf_dir=self.conf_dir))


class StandardOutputTests(SynchronousTestCase):
    """``-``: descriptor 1."""

    def test_says_what_it_is(self) -> None:
        """On standard output each line says that it is the audit's."""
        reading, writing = os.pipe()
        kept = os.dup(1)
        os.dup2(writing, 1)
        try:
            logger = make(JsonLines, given=context(reactor=Clock()))
            self.assertIsNone(logger.record(event("logout")))
            logger.stop()
        finally:
            os.dup2(kept, 1)
            for descriptor in (kept, writing):
                os.close(descriptor)
        found = os.read(reading, 65536)
        os.close(reading)
        self.assertEqual(json.loads(found), {"log": "audit", **event("logout")})
        self.assertTrue(found.endswith(b"\n"))
