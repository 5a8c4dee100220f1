"""What an endpoint knows: :mod:`meshproxy.web.own.visit`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Principal
from meshproxy.web.own.visit import BadParameters, called, parameters


class ParametersTests(SynchronousTestCase):
    def test_read(self) -> None:
        """Escapes, blanks and empty values, in UTF-8."""
        self.assertEqual(parameters(b"a=%C3%A4+b&c=&d=%2F%26"), {"a": "ä b", "c": "", "d": "/&"})
        self.assertEqual(parameters(b""), {})

    def test_what_could_be_read_differently(self) -> None:
        """A parameter twice, bytes that are no UTF-8 or no ASCII, too many of them: refused."""
        for encoded in (b"a=1&a=2", b"a=%ff", b"a=\xff", b"&".join(b"p%d=" % number for number in range(60))):
            self.assertRaises(BadParameters, parameters, encoded)


class CalledTests(SynchronousTestCase):
    def test_the_best_name_there_is(self) -> None:
        """Display name, login name, e-mail address, subject."""
        self.assertEqual(called(Principal("i", "s", "e@x", "Name", "user")), "Name")
        self.assertEqual(called(Principal("i", "s", "e@x", None, "user")), "user")
        self.assertEqual(called(Principal("i", "s", "e@x")), "e@x")
        self.assertEqual(called(Principal("i", "s")), "s")
