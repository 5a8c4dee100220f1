"""Can what is advised be pasted?"""

from __future__ import annotations

import shlex

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import to_paste

from .support.diagnosing import situation


class CommandTests(SynchronousTestCase):
    """Commands with the service's own names."""

    def test_names_and_namespace(self) -> None:
        """They come from the upstream's name."""
        about = situation()
        self.assertEqual("kubectl get endpointslices -n finance -l kubernetes.io/service-name=billing", to_paste.endpoints(about))
        self.assertEqual("kubectl get service billing -n finance -o yaml", to_paste.service(about))
        self.assertEqual("kubectl logs -n finance svc/billing -c istio-proxy --since=10m", to_paste.logs(about, "istio-proxy"))
        self.assertIn("outbound|8080||billing.finance.svc.cluster.local", to_paste.clusters(about))
        self.assertIn("deploy/billing.finance", to_paste.secrets(about))

    def test_without_namespace(self) -> None:
        """What is not known is asked for everywhere, or stands in capitals."""
        about = situation(host="billing")
        self.assertIn("-A", to_paste.endpoints(about))
        self.assertIn("-n NAMESPACE", to_paste.logs(about))

    def test_through_a_tunnel(self) -> None:
        """Towards loopback the Host tells the names."""
        about = situation(host="127.0.0.1", sent="orders.shop.svc.cluster.local")
        self.assertIn("-n shop", to_paste.endpoints(about))
        self.assertFalse(to_paste.on_this_machine(about))

    def test_on_this_machine(self) -> None:
        """A service that no name puts into a cluster: no kubectl."""
        for host in ("127.0.0.1", "localhost", "[::1]"):
            about = situation(host=host)
            self.assertTrue(to_paste.on_this_machine(about))
            for command in (to_paste.endpoints(about), to_paste.service(about), to_paste.logs(about), to_paste.pods(about)):
                self.assertNotIn("kubectl", command)

    def test_they_are_quoted(self) -> None:
        """A name that a shell would obey is one word."""
        about = situation(host="a;reboot.b c.svc")
        for command in (to_paste.endpoints(about), to_paste.certificate(about), to_paste.access_log(about)):
            self.assertNotIn("reboot.b", [word for word in shlex.split(command) if word.startswith("reboot")])
            self.assertNotIn(";", [word for word in shlex.split(command, posix=False) if word == ";"])
