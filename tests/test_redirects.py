"""Which redirects lead to where we already are?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.doctor.redirects import leads_here

from .support.diagnosing import NAME, answered, situation

ABOUT = situation(public_host="apps.example.com")


def leads(location: str, status: int = 302, target: bytes = b"/", public: str = "https://apps.example.com/billing") -> str:
    """Where a redirect to ``location`` leads, if it leads here."""
    heads: Any = SimpleNamespace(target=target, public_url=public)
    return leads_here(answered(status, "", {"Location": location} if location else {}), heads, ABOUT)


class RedirectTests(SynchronousTestCase):
    """The same URL under either name."""

    def test_the_same_url(self) -> None:
        """As the service sees it, relative or whole, in either scheme; and as browsers see it."""
        for location in ("/", f"http://{NAME}:8080/", f"https://{NAME}/", "https://apps.example.com/billing", "http://apps.example.com/billing"):
            self.assertEqual(location, leads(location))

    def test_elsewhere(self) -> None:
        """A login, another host, a query, nothing."""
        for location in ("/login", "https://login.example.com/", "/?x=1", "https://apps.example.com/other", "", "http://[bad"):
            self.assertEqual("", leads(location))

    def test_no_redirect(self) -> None:
        """A Location in another answer leads nowhere."""
        self.assertEqual("", leads("/", 201))
        self.assertEqual("", leads("/", 500))

    def test_under_a_prefix(self) -> None:
        """The target that was asked for is what counts."""
        self.assertEqual("/billing", leads("/billing", target=b"/billing"))
        self.assertEqual("", leads("/billing/", target=b"/billing"))
