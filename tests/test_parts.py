"""What our pages are given: :mod:`meshproxy.web.own.parts`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.own.parts import is_form, is_redirect
from tests.support.own_site import OTHER, FormProvider, OwnSite, RedirectProvider


class PartsTests(SynchronousTestCase):
    def test_kinds_of_providers(self) -> None:
        """By what they can do, not by what they are called."""
        self.assertEqual((is_form(FormProvider()), is_redirect(FormProvider())), (True, False))
        self.assertEqual((is_form(RedirectProvider()), is_redirect(RedirectProvider())), (False, True))
        self.assertEqual((is_form(object()), is_redirect(object())), (False, False))

    def test_titles(self) -> None:
        """A provider's own title, else its table's name."""
        parts = OwnSite({"local": FormProvider(), "corp": RedirectProvider()}).parts
        self.assertEqual([parts.title_of(name) for name in ("local", "corp", "gone")], ["local", "Company login", "gone"])

    def test_origins(self) -> None:
        """Scheme and port of every host are those of ``public_url``."""
        self.assertEqual(str(OwnSite().parts.origin_of(OTHER)), f"https://{OTHER}")
