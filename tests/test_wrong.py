"""How a rule says no."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.wrong import Wrong, did_you_mean, one_of


class WrongTests(SynchronousTestCase):
    def test_close_words_are_suggested(self) -> None:
        """A typing error, another case and a dash for an underscore find the key that was meant."""
        for word, expected in (("grups", "groups"), ("Groups", "groups"), ("client-id", "client_id"), ("upstreem", "upstream")):
            with self.subTest(word):
                self.assertEqual(did_you_mean(word, ["groups", "client_id", "upstream"]), f"did you mean '{expected}'?")

    def test_nothing_close_is_not_guessed(self) -> None:
        """A word that resembles nothing, or is no word, gets no hint."""
        self.assertIsNone(did_you_mean("zebra", ["groups", "emails"]))
        self.assertIsNone(did_you_mean(7, ["groups"]))
        self.assertIsNone(did_you_mean("groups", []))

    def test_alternatives_read_like_a_sentence(self) -> None:
        """One, two and three alternatives."""
        self.assertEqual(one_of(["a"]), "'a'")
        self.assertEqual(one_of(["a", "b"]), "'a' or 'b'")
        self.assertEqual(one_of(["a", "b", "c"]), "'a', 'b' or 'c'")

    def test_a_refusal_is_a_value_error_with_a_hint(self) -> None:
        """pydantic reports it like any ValueError; the hint is kept apart from the message."""
        refusal = Wrong("too long", "shorten it")
        self.assertIsInstance(refusal, ValueError)
        self.assertEqual((str(refusal), refusal.hint), ("too long", "shorten it"))
