"""What others wrote stands in our log on one line, short, and does nothing there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.provider_text import LONGEST, error_code, sanitised


class SanitisedTests(SynchronousTestCase):
    def test_examples(self) -> None:
        """Line breaks, escapes, marks of direction and separators become one space; what is no text becomes nothing."""
        for text, plain in (
            ("spent", "spent"),
            ("a\r\nb\tc", "a b c"),
            ("\x1b[31mred", "[31mred"),
            ("abc\u202edef", "abc def"),
            ("a\u2028b\u00a0c", "a b c"),
            ("Ünïcödé 漢字", "Ünïcödé 漢字"),
            (None, ""),
            (["a"], ""),
            ("\ud800x", "x"),
        ):
            self.assertEqual(sanitised(text), plain)

    @given(some.text(max_size=2000))
    def test_always(self, text: str) -> None:
        """Whatever comes: one printable line, not longer than allowed."""
        plain = sanitised(text)
        self.assertLessEqual(len(plain), LONGEST)
        self.assertTrue(plain.isprintable())

    def test_huge(self) -> None:
        """A megabyte is cut, and says that it is."""
        plain = sanitised("x" * 1_000_000)
        self.assertEqual((len(plain), plain[-1]), (LONGEST, "…"))


class ErrorCodeTests(SynchronousTestCase):
    def test_codes(self) -> None:
        """Codes of RFC 6749 pass as they are; what could not be one is none."""
        for code in ("invalid_grant", "access_denied", "AADSTS50105", "a b"):
            self.assertEqual(error_code(code), code)
        for other in ("", 'a"b', "a\\b", "a\nb", "ü", "x" * 65, None, 7, ["invalid_grant"]):
            self.assertEqual(error_code(other), "")
