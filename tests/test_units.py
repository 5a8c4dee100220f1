"""Spans and sizes of conf files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.units import BYTES, SECONDS, Duration, Size, parse_duration, parse_positive_size, parse_size, parse_span
from meshproxy.config.wrong import Wrong

from .support.conf_dirs import properties


class DurationTests(SynchronousTestCase):
    def test_units(self) -> None:
        """Every unit, a fraction, and blanks around it."""
        for text, seconds in (
            ("500ms", 0.5),
            ("30s", 30.0),
            ("15m", 900.0),
            ("12h", 43200.0),
            ("7d", 604800.0),
            ("1.5h", 5400.0),
            (" 1s ", 1.0),
        ):
            with self.subTest(text):
                self.assertEqual(parse_duration(text), seconds)

    def test_refused(self) -> None:
        """No unit, an unknown one, nothing, zero, negative, two at once, more than ten years, other types."""
        for value in ("30", "30x", "", "0s", "-1s", "1h30m", "4000d", "1 s", "٣s", 30, 1.5, True, None, ["1s"]):
            with self.subTest(value):
                self.assertRaises(Wrong, parse_duration, value)

    def test_zero_where_it_means_something(self) -> None:
        """A clock's tolerance may be none; a timeout may not."""
        self.assertEqual((parse_span("0s"), parse_span("1m")), (0.0, 60.0))
        for value in ("0", 0, "-1s", "1"):
            self.assertRaises(Wrong, parse_span, value)

    def test_a_bare_number_gets_a_hint(self) -> None:
        """Whoever writes 30 learns how to write thirty seconds."""
        self.assertEqual(self.assertRaises(Wrong, parse_duration, 30).hint, 'did you mean "30s"?')

    @properties
    @given(st.integers(1, 1000), st.sampled_from(sorted(SECONDS)))
    def test_number_and_unit(self, number: int, unit: str) -> None:
        """A span is its number times its unit."""
        self.assertEqual(parse_duration(f"{number}{unit}"), number * SECONDS[unit])


class SizeTests(SynchronousTestCase):
    def test_units(self) -> None:
        """Numbers are bytes; the units are binary."""
        for value, size in ((0, 0), (123, 123), ("123", 123), ("500B", 500), ("64KiB", 65536), ("10MiB", 10485760), ("1GiB", 1073741824)):
            with self.subTest(value):
                self.assertEqual(parse_size(value), size)

    def test_refused(self) -> None:
        """Decimal units, fractions, negative numbers, other types."""
        for value in ("64KB", "64k", "1.5MiB", "-1", "", "KiB", -1, 2**63, True, 1.0, None):
            with self.subTest(value):
                self.assertRaises(Wrong, parse_size, value)

    def test_decimal_units_get_a_hint(self) -> None:
        """KB and the like are refused rather than guessed, and say how to go on."""
        for text, meant in (("64KB", "64KiB"), ("10 mb", "10MiB"), ("1G", "1GiB")):
            with self.subTest(text):
                self.assertEqual(self.assertRaises(Wrong, parse_size, text).hint, f'did you mean "{meant}"?')

    def test_zero_is_refused_where_a_limit_cannot_be_switched_off(self) -> None:
        """A head without a limit would be anybody's memory."""
        self.assertEqual(parse_positive_size("1B"), 1)
        self.assertRaises(Wrong, parse_positive_size, 0)

    @properties
    @given(st.integers(0, 1000), st.sampled_from(sorted(BYTES)))
    def test_number_and_unit(self, number: int, unit: str) -> None:
        """A size is its number times its unit."""
        self.assertEqual(parse_size(f"{number}{unit}"), number * BYTES[unit])


class SchemaTests(SynchronousTestCase):
    def test_the_patterns_are_those_of_the_reader(self) -> None:
        """What the JSON Schema shows as examples can be read."""
        for kind, parse in ((Duration, parse_duration), (Size, parse_size)):
            for example in TypeAdapter(kind).json_schema()["examples"]:
                parse(example)
