"""Whole lines to descriptors that do not always take them."""

from __future__ import annotations

import os
import resource
import signal

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LineWriter, line_writer


def drained(descriptor: int) -> bytes:
    """Everything that a non-blocking pipe holds."""
    found = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except BlockingIOError:
            return found
        if not piece:
            return found
        found += piece


class LineWriterTests(SynchronousTestCase):
    """A pipe, its reader, and the reactor's clock."""

    def setUp(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self.addCleanup(self._close)
        self.clock = Clock()
        self.writer = LineWriter(self.writing, self.clock, limit_bytes=200_000)

    def _close(self) -> None:
        for descriptor in (self.reading, self.writing):
            try:
                os.close(descriptor)
            except OSError:
                pass

    def _fill(self) -> bytes:
        """Fill the pipe until it takes no more; what went in."""
        line = b"x" * 4095 + b"\n"
        count = 0
        while (waiting := self.writer.write(line)) is None:
            count += 1
        waiting.addErrback(lambda failure: failure.trap(BrokenPipeError))
        return line * (count + 1)

    def test_a_long_line_into_a_file(self) -> None:
        """A file takes a line of any length by one call: others that append to it do not get between."""
        line = b"x" * 20_000 + b"\n"
        path = self.mktemp()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.addCleanup(os.close, descriptor)
        sizes: list[int] = []
        write = os.write
        self.patch(os, "write", lambda one, data: sizes.append(len(data)) or write(one, data))
        self.assertIsNone(LineWriter(descriptor, self.clock).write(line))
        self.assertEqual([len(line)], sizes)
        with open(path, "rb") as file:
            self.assertEqual(line, file.read())

    def test_at_once(self) -> None:
        """A line that the descriptor takes is written when write comes back."""
        self.assertIsNone(self.writer.write(b"one\n"))
        self.assertIsNone(self.writer.write(b"two\n"))
        self.assertEqual(drained(self.reading), b"one\ntwo\n")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_blocking_pipe_never_blocks(self) -> None:
        """A full pipe in blocking mode makes lines wait, in order and whole; they go out when somebody reads."""
        self.assertTrue(os.get_blocking(self.writing))
        signal.alarm(20)  # the fault that is looked for is a write that never comes back
        self.addCleanup(signal.alarm, 0)
        expected = self._fill()
        long = b"y" * 20_000 + b"\n"
        done: list[str] = []
        for name, line in (("long", long), ("short", b"z\n")):
            waiting = self.writer.write(line)
            assert isinstance(waiting, Deferred)
            waiting.addCallback(lambda _, name=name: done.append(name))
        self.clock.advance(0.02)
        self.assertEqual(done, [])
        found = b""
        while len(found) < len(expected) + len(long) + 2:
            found += drained(self.reading)
            self.clock.advance(0.02)
        self.assertEqual(found, expected + long + b"z\n")
        self.assertEqual((done, self.writer.waiting_bytes), (["long", "short"], 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_non_blocking_pipe(self) -> None:
        """A descriptor in non-blocking mode fares the same."""
        os.set_blocking(self.writing, False)
        expected = self._fill()
        found = drained(self.reading)
        self.clock.advance(0.02)
        self.assertEqual(found + drained(self.reading), expected)

    def test_bound(self) -> None:
        """More than the bound does not wait: it is refused, and what waits is not lost by it."""
        self._fill()
        while self.writer.waiting_bytes < 195_000:
            self.writer.write(b"w" * 999 + b"\n")
        with self.assertRaises(BlockingIOError):
            self.writer.write(b"v" * 100_000)
        self.assertGreaterEqual(self.writer.waiting_bytes, 195_000)

    def test_reader_gone(self) -> None:
        """Nobody at the other end: the line that is written fails, and so does every one that waits."""
        self._fill()
        waiting = self.writer.write(b"later\n")
        assert waiting is not None
        os.close(self.reading)
        self.clock.advance(0.02)
        self.failureResultOf(waiting, BrokenPipeError)
        with self.assertRaises(BrokenPipeError):
            self.writer.write(b"after\n")

    def test_torn_line(self) -> None:
        """After a line that broke off in the middle the next one begins on a line of its own."""
        path = self.mktemp()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.addCleanup(os.close, descriptor)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGXFSZ, handler)
        writer = LineWriter(descriptor, self.clock)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6, limits[1]))
        try:
            self.assertRaises(OSError, writer.write, b"0123456789\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertIsNone(writer.write(b"whole\n"))
        self.assertIsNone(writer.write(b"again\n"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"012345\nwhole\nagain\n")

    def test_stop(self) -> None:
        """At the end one more try is made; what still waits fails and no timer stays."""
        self._fill()
        waiting = self.writer.write(b"never\n")
        assert waiting is not None
        self.writer.stop()
        self.failureResultOf(waiting, BrokenPipeError)
        self.assertEqual((self.clock.getDelayedCalls(), self.writer.waiting_bytes), ([], 0))

    def test_shared(self) -> None:
        """All of a process share one writer for a descriptor."""
        self.assertIs(line_writer(self.writing, self.clock), line_writer(self.writing, self.clock))
        self.assertIsNot(line_writer(self.writing, self.clock), line_writer(self.reading, self.clock))
        self.assertIsNot(line_writer(self.writing, self.clock), line_writer(self.writing, Clock()))
