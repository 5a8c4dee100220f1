"""meshproxy.sessions.journal"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from meshproxy.sessions import journal
from meshproxy.sessions.journal import Journal


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(tempfile.mkdtemp()) / "state" / "sessions.journal"
        self.addCleanup(shutil.rmtree, self.path.parents[1])
        self.replayed: list[dict[str, Any]] = []
        self.everything: list[dict[str, Any]] = []

    def open(self) -> Journal:
        self.replayed.clear()
        return Journal(Clock(), self.path, self.replayed.append, lambda: self.everything)

    def write(self, book: Journal, *entries: dict[str, Any]) -> None:
        for entry in entries:
            self.successResultOf(book.append(entry))

    def close(self, book: Journal) -> None:
        self.successResultOf(book.close())

    def test_what_was_appended_is_replayed(self) -> None:
        """In order, at the next start."""
        book = self.open()
        self.write(book, {"n": 1}, {"n": 2})
        self.close(book)
        book = self.open()
        self.assertEqual(self.replayed, [{"n": 1}, {"n": 2}])
        self.write(book, {"n": 3})
        self.close(book)
        self.close(self.open())
        self.assertEqual(self.replayed, [{"n": 1}, {"n": 2}, {"n": 3}])

    def test_nobody_else_reads_it(self) -> None:
        """Directory 0700, file 0600, whatever it was before."""
        self.close(self.open())
        self.path.chmod(0o644)
        self.close(self.open())
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    def test_a_torn_line(self) -> None:
        """When the power went in the middle of a line, that line is lost and nothing else; what comes then stands on a line of its own."""
        book = self.open()
        self.write(book, {"n": 1})
        self.close(book)
        with self.path.open("ab") as file:
            file.write(b'{"n": 2, "half')
        book = self.open()
        self.assertEqual(self.replayed, [{"n": 1}])
        self.write(book, {"n": 3})
        self.close(book)
        self.close(self.open())
        self.assertEqual(self.replayed, [{"n": 1}, {"n": 3}])

    def test_one_process_at_a_time(self) -> None:
        """A second process on the same directory is refused: two would not know of each other's tickets."""
        book = self.open()
        error = self.assertRaises(BlockingIOError, self.open)
        self.assertIn(str(self.path), str(error))
        self.close(book)
        self.close(self.open())

    def test_compaction(self) -> None:
        """When most of the file is over, it is written anew with what still counts; nothing in it is lost."""
        with patch.object(journal, "COMPACT_FROM", 10):
            book = self.open()
            for number in range(100):
                self.everything = [{"n": count} for count in range(max(0, number - 2), number + 1)]
                self.write(book, {"n": number})
                self.assertLessEqual(len(self.path.read_bytes().splitlines()), 20)
            self.close(book)
            book = self.open()
            self.assertEqual(self.replayed[-3:], [{"n": 97}, {"n": 98}, {"n": 99}])
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
            self.close(book)

    def test_a_failed_compaction(self) -> None:
        """When the new file cannot be written the old one stays, and takes the next line."""
        with patch.object(journal, "COMPACT_FROM", 2):
            book = self.open()
            self.write(book, {"n": 1}, {"n": 2})
            with patch.object(os, "replace", side_effect=OSError(28, "No space left on device")):
                self.failureResultOf(book.append({"n": 3}))
            self.assertIn("No space left", book.trouble or "")
            self.everything = [{"n": number} for number in range(9)]
            self.write(book, {"n": 4})
            self.assertIsNone(book.trouble)
            self.close(book)
            self.close(self.open())
            self.assertEqual(self.replayed, [{"n": 1}, {"n": 2}, {"n": 4}])


class ThreadTests(TestCase):
    async def test_lines_that_come_together_share_one_fsync(self) -> None:
        """Under a rush of logins there is one write to the disk for many of them, beside the reactor; each is told when it is there."""
        path = Path(tempfile.mkdtemp()) / "sessions.journal"
        self.addCleanup(shutil.rmtree, path.parent)
        synced: list[int] = []
        fsync = os.fsync

        def counted(descriptor: int) -> None:
            synced.append(descriptor)
            fsync(descriptor)

        with patch.object(os, "fsync", counted):
            book = Journal(reactor, path, lambda entry: None, list)
            await gatherResults([book.append({"n": number}) for number in range(100)])
            self.assertEqual(len(synced), 2)
            last = book.append({"n": 100})
            await book.close()
            await last
        self.assertEqual(len(path.read_bytes().splitlines()), 101)
