"""meshproxy.workers.turns"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.workers.turns import MOST_PATIENCE, Tally, Turns, open_tally


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        descriptor = open_tally(3)
        self.open = [0, 0, 0]
        self.tallies = [Tally(os.dup(descriptor), 3) for _ in range(3)]
        os.close(descriptor)
        for tally in self.tallies:
            self.addCleanup(tally.close)
        self.workers = [Turns(tally, number + 1, lambda number=number: self.open[number]) for number, tally in enumerate(self.tallies)]

    def has(self, *counts: int) -> None:
        """So many connections each; -1: that worker is not there."""
        self.open[:] = counts
        for worker, count in zip(self.workers, counts, strict=True):
            worker.leave() if count < 0 else worker.publish()

    def test_alone(self) -> None:
        """While no other worker serves, one takes whatever comes."""
        self.has(5, -1, -1)
        self.assertEqual(100, self.workers[0].allowed())

    def test_few(self) -> None:
        """Few connections are dealt out one by one: who has one more than another lets it go first."""
        self.has(0, 0, 0)
        self.assertEqual([1, 1, 1], [worker.allowed() for worker in self.workers])
        self.has(1, 0, 1)
        self.assertEqual([0, 1, 0], [worker.allowed() for worker in self.workers])

    def test_many(self) -> None:
        """Where there are many an eighth is no difference, and many are taken at once."""
        self.has(80, 90, 91)
        self.assertEqual([10, 11, 0], [worker.allowed() for worker in self.workers])

    def test_who_comes_late(self) -> None:
        """A worker that begins with none catches up, not all at once: what the others have may be over by now."""
        self.has(0, 100, 100)
        self.assertEqual([8, 0, 0], [worker.allowed() for worker in self.workers])

    def test_own_count(self) -> None:
        """What a worker has now is known to the others as soon as it is asked."""
        self.has(0, 0, -1)
        self.open[0] = 7
        self.workers[0].allowed()
        self.assertEqual((7, 0), (self.tallies[1].fewest_but(2), self.tallies[0].fewest_but(1)))

    def test_the_dead(self) -> None:
        """Nobody waits for a worker that is gone: its parent says so."""
        self.has(3, 0, -1)
        self.assertEqual(0, self.workers[0].allowed())
        self.tallies[2].leave(2)
        self.assertEqual(100, self.workers[0].allowed())

    def test_patience(self) -> None:
        """A worker waits so often in a row, then so often a second: where connections come and go waiting would cost too much."""
        worker = self.workers[0]
        self.assertEqual([True] * MOST_PATIENCE + [False] * 3, [worker.patient(1000.0) for _ in range(MOST_PATIENCE + 3)])
        self.assertEqual([True] * 10 + [False], [worker.patient(1001.0) for _ in range(11)])
        self.assertEqual(MOST_PATIENCE, sum(worker.patient(9999.0) for _ in range(200)))

    def test_close(self) -> None:
        """Closing twice is no error."""
        self.tallies[0].close()
        self.tallies[0].close()
