"""Changes of files, told once they have settled."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import Watcher
from meshproxy.config.watch import see, see_names


class WatcherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dir = Path(self.mktemp()).absolute()
        (self.dir / "services").mkdir(parents=True)
        self.file = self.dir / "meshproxy.toml"
        self.file.write_text("one")
        self.files = [self.file]
        self.told: list[set[str]] = []
        self.answer: object = None
        self.clock = Clock()
        self.watcher = Watcher(self.clock, lambda: self.files, [self.dir / "services"], self.tell)
        self.watcher.start()
        self.addCleanup(self.watcher.stop)

    def tell(self, paths: frozenset[Path]) -> object:
        self.told.append({path.name for path in paths})
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def wait(self, seconds: int = 3) -> None:
        self.clock.pump([1.0] * seconds)

    def test_nothing_changes(self) -> None:
        """Nothing is told."""
        self.wait(10)
        self.assertEqual(self.told, [])

    def test_a_change_is_told_once(self) -> None:
        """After a second look has seen the same; then it is known."""
        self.file.write_text("two!")
        self.wait(1)
        self.assertEqual(self.told, [])
        self.wait(10)
        self.assertEqual(self.told, [{"meshproxy.toml"}])

    def test_a_file_that_is_being_written(self) -> None:
        """As long as it differs from look to look nobody reads half of it."""
        for size in range(5):
            self.file.write_text("x" * (size + 10))
            self.wait(1)
        self.assertEqual(self.told, [])
        self.wait(1)
        self.assertEqual(self.told, [{"meshproxy.toml"}])

    def test_several_files_are_one_change(self) -> None:
        """A mount changes all at once."""
        other = self.dir / "users.toml"
        other.write_text("a")
        self.files.append(other)
        self.wait()
        self.assertEqual(self.told, [])
        self.file.write_text("three")
        other.write_text("bb")
        self.wait()
        self.assertEqual(self.told, [{"meshproxy.toml", "users.toml"}])

    def test_a_config_map_swaps_its_links(self) -> None:
        """The file's own link stays; where it leads changes, with the same size and time."""
        for name in ("..1", "..2"):
            (self.dir / name).mkdir()
            (self.dir / name / "a.toml").write_text("same")
            os.utime(self.dir / name / "a.toml", (1, 1))
        (self.dir / "..data").symlink_to("..1")
        (self.dir / "a.toml").symlink_to("..data/a.toml")
        self.files.append(self.dir / "a.toml")
        self.wait()
        (self.dir / "..new").symlink_to("..2")
        (self.dir / "..new").rename(self.dir / "..data")
        self.wait()
        self.assertEqual(self.told, [{"a.toml"}])

    def test_a_file_that_is_replaced(self) -> None:
        """Editors write another file and rename it, perhaps of the same size and time."""
        status = self.file.stat()
        other = self.dir / "new"
        other.write_text("two")
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.rename(self.file)
        self.wait()
        self.assertEqual(self.told, [{"meshproxy.toml"}])

    def test_a_file_that_goes_and_comes(self) -> None:
        """Both are changes; within one look they are one."""
        self.file.unlink()
        self.wait()
        self.file.write_text("one")
        self.wait()
        self.assertEqual(self.told, [{"meshproxy.toml"}] * 2)

    def test_a_file_that_nobody_can_reach_and_then_can(self) -> None:
        """A missing secret that a reload asked for is told when it comes."""
        self.files.append(self.dir / "secrets/okta")
        self.wait()
        (self.dir / "secrets").mkdir()
        (self.dir / "secrets/okta").write_text("x")
        self.wait()
        self.assertEqual(self.told, [{"okta"}])

    def test_a_new_service(self) -> None:
        """A file that comes or goes in a directory that is looked at; editors' leavings and logs do not count."""
        for name in (".a.toml.swp", "a.toml~", "audit.jsonl", "access.log"):
            (self.dir / "services" / name).write_text("x")
            self.wait()
        self.assertEqual(self.told, [])
        (self.dir / "services/a.toml").write_text("x")
        self.wait()
        (self.dir / "services/a.toml").unlink()
        self.wait()
        self.assertEqual(self.told, [{"services"}] * 2)

    def test_permissions(self) -> None:
        """A secret that becomes readable may be what was missing."""
        self.file.chmod(0o600)
        self.wait()
        self.assertEqual(self.told, [{"meshproxy.toml"}])

    def test_a_slow_reload_is_waited_for(self) -> None:
        """Changes while it goes on are told after it, once."""
        self.answer = Deferred()
        self.file.write_text("two!")
        self.wait(5)
        self.file.write_text("three")
        self.wait(5)
        self.assertEqual(len(self.told), 1)
        answer, self.answer = self.answer, None
        answer.callback(None)
        self.wait(5)
        self.assertEqual(len(self.told), 2)

    def test_a_reload_that_fails(self) -> None:
        """Logged; the next change is told all the same."""
        self.answer = RuntimeError("no")
        self.file.write_text("two!")
        self.wait()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.file.write_text("three")
        self.wait()
        self.assertEqual(len(self.told), 2)
        self.flushLoggedErrors(RuntimeError)

    def test_stopped(self) -> None:
        """No timer is left, and nothing is told any more; stopping twice is harmless."""
        self.watcher.stop()
        self.watcher.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.file.write_text("two!")
        self.wait()
        self.assertEqual(self.told, [])

    def test_what_cannot_be_looked_at(self) -> None:
        """Missing things and impossible names are simply not there."""
        self.assertIsNone(see(self.dir / "none"))
        self.assertIsNone(see(Path("a\0b")))
        self.assertIsNone(see_names(self.dir / "none"))
