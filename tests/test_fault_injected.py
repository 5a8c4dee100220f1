"""Was it on purpose?"""

from __future__ import annotations

from .support.diagnosing import ENVOYS, CauseTests, answered, verdict


class FaultInjectedTests(CauseTests):
    """Was it on purpose?"""

    def test_the_text(self) -> None:
        """Whatever the status: faults have the one that was configured."""
        for status in (418, 503, 555):
            found = self.proven("fault_injected", "own-sidecar", verdict(answered(status, "fault filter abort", ENVOYS)))
            self.advises(found, "fault:", "VirtualService")
