"""Answers of pure functions, remembered within bounds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.memo import Memo


class MemoTests(SynchronousTestCase):
    def test_computed_once(self) -> None:
        """An answer is computed the first time alone."""
        asked: list[bytes] = []

        def upper(key: bytes) -> bytes:
            asked.append(key)
            return key.upper()

        memo = Memo(upper)
        self.assertEqual([memo[b"a"], memo[b"a"]], [b"A", b"A"])
        self.assertEqual(asked, [b"a"])

    def test_bounded(self) -> None:
        """However many keys come, no more than ``entries`` are kept, and every answer is right."""
        memo = Memo(len, entries=10)
        for number in range(1000):
            self.assertEqual(memo[b"x" * (number % 50)], number % 50)
            self.assertLessEqual(len(memo), 10)

    def test_long_keys_are_not_kept(self) -> None:
        """A key longer than ``longest`` is answered and forgotten."""
        memo = Memo(len, longest=4)
        self.assertEqual(memo[b"12345"], 5)
        self.assertEqual(len(memo), 0)

    def test_errors_are_not_kept(self) -> None:
        """What the function raises is raised every time and nothing is remembered."""

        def refuse(key: bytes) -> int:
            raise ValueError(key)

        memo = Memo(refuse)
        for _ in range(2):
            self.assertRaises(ValueError, memo.__getitem__, b"a")
        self.assertEqual(len(memo), 0)
