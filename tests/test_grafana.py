"""``grafana``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError
from meshproxy.api.testing import make, principal, run_rewriter
from meshproxy.builtin.grafana import Grafana

ROLES = {"Admin": ["sre"], "Editor": ["devs", "ops"], "Viewer": ["all"]}


class GrafanaTests(SynchronousTestCase):
    """X-WEBAUTH-* and the role."""

    def test_fields(self) -> None:
        """User, e-mail, name and groups; no role unless one is configured and fits."""
        plain = [
            (b"X-WEBAUTH-USER", b"alice@example.com"), (b"X-WEBAUTH-EMAIL", b"alice@example.com"), (b"X-WEBAUTH-NAME", b"Alice"),
            (b"X-WEBAUTH-GROUPS", b"devs,sre"),
        ]
        self.assertEqual(run_rewriter(Grafana), plain)
        self.assertEqual(run_rewriter(Grafana, {"roles": {"Admin": ["nobody"]}}), plain)

    def test_first_role_that_fits(self) -> None:
        """The order of the file decides, not that of the principal's groups."""
        for groups, role in ((("devs", "sre"), b"Admin"), (("ops",), b"Editor"), (("all", "ops"), b"Editor"), (("all",), b"Viewer")):
            self.assertIn((b"X-WEBAUTH-ROLE", role), run_rewriter(Grafana, {"roles": ROLES}, principal(groups=groups)))

    def test_roles_are_grafanas(self) -> None:
        """A role that Grafana does not know is an error of the configuration."""
        with self.assertRaises(ConfError) as caught:
            make(Grafana, {"roles": {"Boss": ["x"]}})
        self.assertIn("roles.Boss", str(caught.exception))
