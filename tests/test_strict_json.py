"""JSON that two readers could read differently is no JSON."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.strict_json import NotJson, load_object, loads


class StrictJsonTests(SynchronousTestCase):
    def test_values(self) -> None:
        """What RFC 8259 allows is read, from bytes and from text."""
        for raw, value in ((b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}), ('"ü"', "ü"), (b" 7 ", 7), (b"{}", {})):
            self.assertEqual(loads(raw), value)

    def test_refused(self) -> None:
        """Names that stand twice (deep inside too), numbers that are none, bad UTF-8, endless nesting, rubbish, nothing."""
        for raw in (
            b'{"sub": "a", "sub": "b"}',
            b'{"x": [{"a": 1, "a": 1}]}',
            b'{"a": NaN}',
            b"[-Infinity]",
            b'"\xff"',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"{} {}",
            b"",
            b"<html>",
            b"\xef\xbb\xbf{}",
            b"9" * 5000,
        ):
            self.assertRaises(NotJson, loads, raw)

    def test_errors_quote_nothing(self) -> None:
        """The message has nothing of what was read: it may have been a secret."""
        for raw in (b'{"refresh_token": "s3cret"', b'{"s3cret": 1, "s3cret": 2}'):
            self.assertNotIn("s3cret", str(self.assertRaises(NotJson, loads, raw)))

    def test_objects(self) -> None:
        """Where an object is wanted nothing else will do."""
        self.assertEqual(load_object(b'{"a": 1}'), {"a": 1})
        for raw in (b"[]", b'"a"', b"1", b"null"):
            self.assertRaises(NotJson, load_object, raw)
