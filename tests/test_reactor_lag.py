from twisted.internet.task import Clock
from twisted.trial import unittest

from meshproxy.observe.reactor_lag import ReactorLag


class ReactorLagTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lag = ReactorLag(self.clock)
        self.lag.start()

    def test_on_time(self) -> None:
        """A loop that is on time has no lag."""
        self.clock.pump([1] * 5)
        self.assertEqual(0.0, self.lag.worst)

    def test_late(self) -> None:
        """A loop that stood still for three seconds was two late, and that is remembered for a minute."""
        self.clock.advance(3)
        self.assertEqual(2.0, self.lag.worst)
        self.clock.pump([1] * 59)
        self.assertEqual(2.0, self.lag.worst)
        self.clock.advance(1)
        self.assertEqual(0.0, self.lag.worst)

    def test_clock_set_back(self) -> None:
        """A clock that was set back does not make a negative lag."""
        self.clock.advance(1)
        self.clock.rightNow -= 100  # what the system's clock does behind a timer's back
        self.lag._tick()
        self.assertEqual(0.0, self.lag.worst)

    def test_stop(self) -> None:
        """Once stopped it leaves no timer; starting twice makes one."""
        self.lag.start()
        self.assertEqual(1, len(self.clock.getDelayedCalls()))
        self.lag.stop()
        self.lag.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
