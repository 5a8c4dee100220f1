"""How do causes that fit compare?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.fit import DEFAULT, FITS, TOLD, fits, proves


class FitTests(SynchronousTestCase):
    """Weights and proof."""

    def test_proof_outweighs_likelihood(self) -> None:
        """What the evidence names comes before what only fits, and both before the service's own answer."""
        self.assertGreater(proves("x").weight, fits().weight)
        self.assertGreater(FITS, DEFAULT)
        self.assertTrue(proves("x").proven)
        self.assertFalse(fits(TOLD, "x").proven)
        self.assertEqual("x", proves("x").because)
