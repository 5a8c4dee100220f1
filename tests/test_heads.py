from dataclasses import FrozenInstanceError

from twisted.trial import unittest

from meshproxy.core.heads import Answer, RequestHead, ResponseHead


class HeadTests(unittest.SynchronousTestCase):
    def test_fields_stay_as_they_were(self) -> None:
        """Case, order and repeats of fields are part of a head: heads that differ in them are different."""
        one = RequestHead(b"GET", b"/", ((b"A", b"1"), (b"a", b"2")))
        self.assertEqual(one, RequestHead(b"GET", b"/", ((b"A", b"1"), (b"a", b"2"))))
        for fields in (((b"a", b"2"), (b"A", b"1")), ((b"a", b"1"), (b"a", b"2")), ((b"A", b"1"),)):
            self.assertNotEqual(one, RequestHead(b"GET", b"/", fields))

    def test_values(self) -> None:
        """Heads and answers can be kept and compared: they are hashable and cannot be changed."""
        for value in (RequestHead(b"GET", b"/"), ResponseHead(200, b"OK"), Answer(404)):
            self.assertIn(value, {value})
            with self.assertRaises(FrozenInstanceError):
                value.fields = ()  # type: ignore[misc]
