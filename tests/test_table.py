"""What all tables have in common."""

from __future__ import annotations

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.table import OpenTable, Table, key, required, tables


class Inner(Table):
    size: int = key(1, "How large.", ge=0)


class Outer(Table):
    name: str = required("orders", "What it is called.")
    inner: Inner = tables(Inner, "Inside.")


class Open(OpenTable):
    type: str = required("users", "Which plugin.")


class TableTests(SynchronousTestCase):
    def test_unknown_keys_and_other_types_are_refused(self) -> None:
        """No key is ignored, and no string becomes a number."""
        for said in (
            {"name": "a", "nmae": "b"},
            {"name": 1},
            {"name": "a", "inner": {"size": "2"}},
            {"name": "a", "inner": {"size": True}},
            {},
        ):
            with self.subTest(said):
                self.assertRaises(ValidationError, Outer.model_validate, said)

    def test_absent_tables_have_their_defaults(self) -> None:
        """A table that is left out is one with nothing in it."""
        self.assertEqual(Outer.model_validate({"name": "a"}).inner.size, 1)

    def test_defaults_are_judged_too(self) -> None:
        """A default that its own rule refuses cannot be released."""

        class Bad(Table):
            size: int = key(-1, "Wrong.", ge=0)

        self.assertRaises(ValidationError, Bad)

    def test_open_tables_keep_what_belongs_to_a_plugin(self) -> None:
        """Other keys stay as they stand."""
        self.assertEqual(Open.model_validate({"type": "x", "issuer": "i", "n": [1]}).model_extra, {"issuer": "i", "n": [1]})

    def test_values_do_not_change(self) -> None:
        """A model is a value."""
        with self.assertRaises(ValidationError):
            Outer.model_validate({"name": "a"}).name = "b"
