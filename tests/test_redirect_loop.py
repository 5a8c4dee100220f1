"""Does it redirect to where we are?"""

from __future__ import annotations

from meshproxy.core.diagnosis import SecondSeen

from .support.diagnosing import CauseTests, answered, verdict


class RedirectLoopTests(CauseTests):
    """Does it redirect to where we are?"""

    def test_twice(self) -> None:
        """A redirect that came twice is proof; the base URL is advised, and https explained where it is that."""
        found = self.proven("redirect_loop", "service", verdict(answered(301), None, SecondSeen("https://billing.example.com/")))
        self.advises(found, "base URL", "X-Forwarded-Proto")
        self.assertIn("insists on https", found.hints[1])

    def test_once(self) -> None:
        """One redirect is an answer."""
        self.proven("ok", "service", verdict(answered(301, "", {"location": "https://billing.example.com/"})))
