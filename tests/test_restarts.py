"""meshproxy.workers.restarts"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.workers.restarts import LIVED_WELL, Restarts


class RestartsTests(SynchronousTestCase):
    def test_an_accident(self) -> None:
        """A worker that had lived well is replaced at once, however often that happens."""
        restarts = Restarts()
        self.assertEqual([0.0] * 5, [restarts.wait_after(LIVED_WELL) for _ in range(5)])
        self.assertFalse(restarts.looping)
        self.assertEqual(5, restarts.total)

    def test_a_loop(self) -> None:
        """One whose successors keep ending is replaced ever later, up to half a minute; from the third on it is a loop."""
        restarts = Restarts()
        waits, looping = [], []
        for _ in range(10):
            waits.append(restarts.wait_after(1.0))
            looping.append(restarts.looping)
        self.assertEqual([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0], waits)
        self.assertEqual([False, False] + [True] * 8, looping)

    def test_the_end_of_a_loop(self) -> None:
        """One that lives well ends the loop."""
        restarts = Restarts()
        for _ in range(5):
            restarts.wait_after(1.0)
        self.assertEqual(0.0, restarts.wait_after(LIVED_WELL + 1))
        self.assertFalse(restarts.looping)

    def test_for_ever(self) -> None:
        """However long a loop lasts, the wait stays a number."""
        restarts = Restarts()
        for _ in range(5000):
            wait = restarts.wait_after(0.0)
        self.assertEqual(30.0, wait)
