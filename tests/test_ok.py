"""When is nothing wrong?"""

from __future__ import annotations

from .support.diagnosing import ENVOYS, CauseTests, answered, situation, verdict


class OkTests(CauseTests):
    """When is nothing wrong?"""

    def test_below_400(self) -> None:
        """Any answer below 400 is the service's, whatever stands in it; there is nothing to check."""
        for status in (200, 204, 302, 399):
            found = self.proven("ok", "service", verdict(answered(status, "no healthy upstream", ENVOYS)))
            self.assertEqual(status, found.status)

    def test_gateway_or_not(self) -> None:
        """Without a mesh as well."""
        self.proven("ok", "service", verdict(answered(200), situation(mesh=False)))
