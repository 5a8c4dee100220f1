from twisted.trial import unittest

from meshproxy.observe import fanout

from .support.exchanges import exchange


class FanoutTests(unittest.SynchronousTestCase):
    def test_one_breaks(self) -> None:
        """An observer that breaks is logged with the request's id, and the ones after it still get the record."""
        seen: list[object] = []

        def broken(record: object) -> None:
            raise ZeroDivisionError

        record = exchange()
        fanout([seen.append, broken, seen.append])(record)
        self.assertEqual([record, record], seen)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
