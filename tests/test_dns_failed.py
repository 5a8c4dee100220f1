"""What does it take to say that a name does not resolve?"""

from __future__ import annotations

from .support.diagnosing import NAME, CauseTests, failed, situation, verdict


class DnsFailedTests(CauseTests):
    """What does it take to say that a name does not resolve?"""

    def test_no_such_name(self) -> None:
        """The resolver's no is proof; the name stands in the advice."""
        found = self.proven("dns_failed", "nobody", verdict(failed("resolve", "dns")))
        self.advises(found, "namespace", f"getent hosts {NAME}")

    def test_a_resolver_that_hangs(self) -> None:
        """So is its silence."""
        self.proven("dns_failed", "nobody", verdict(failed("resolve", "timeout")))

    def test_a_name_without_namespace(self) -> None:
        """Of a short name it is said that it lacks the namespace."""
        found = verdict(failed("resolve", "dns"), situation(host="billing"))
        self.assertTrue(any("has no namespace" in hint for hint in found.hints))
