"""One name or a list of names, in the settings of plugins."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api.one_or_more import Names


class _Settings(BaseModel):
    names: Names = ()


class NamesTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Always a tuple."""
        for given, found in (("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())):
            self.assertEqual(_Settings.model_validate({"names": given}).names, found)
        self.assertEqual(_Settings().names, ())

    def test_refused(self) -> None:
        """What is no name is refused."""
        for given in (7, ["a", 7], {"a": "b"}, None, True):
            self.assertRaises(ValidationError, _Settings.model_validate, {"names": given})
