"""Whose limit was it?"""

from __future__ import annotations

from .support.diagnosing import ENVOYS, RESET, CauseTests, answered, failed, verdict


class OverloadedTests(CauseTests):
    """Whose limit was it?"""

    def test_our_own(self) -> None:
        """Our own queue: nothing left meshproxy, and [pool] is the advice."""
        found = self.proven("overloaded", "meshproxy", verdict(failed("queue", "overload", error="the queue is full")))
        self.advises(found, "[pool]", "services/billing.toml")

    def test_envoys(self) -> None:
        """Circuit breakers, drop policies, its own memory, rate limits."""
        for status, text in ((503, "upstream connect error or disconnect/reset before headers. reset reason: overflow"),
                             (503, "maintenance mode"), (503, "unconditional drop overload"), (503, "drop overload"),
                             (503, "envoy overloaded"),
                             (429, "local_rate_limited"), (503, RESET + "overload manager reset")):
            found = self.proven("overloaded", "own-sidecar", verdict(answered(status, text, ENVOYS)))
            self.assertTrue("connectionPool" in found.hints[0] or "rate limit" in found.hints[0])

    def test_an_empty_429(self) -> None:
        """A global rate limit says it in a field."""
        fields = {"server": "envoy", "x-envoy-ratelimited": "true", "content-length": "0"}
        self.proven("overloaded", "own-sidecar", verdict(answered(429, "", fields)))
        self.proven("service_refused", "service", verdict(answered(429, "", {"server": "envoy", "content-length": "0"})))
