"""Certificates that are believed, and the way out. Real TLS is in ``test_identity_backchannel``, a real proxy in ``test_connect_proxy``."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI

from meshproxy.identity.connect_proxy import OutgoingProxy
from meshproxy.identity.reaching import _Endpoints, agent_for, file_problems, tls_policy

from .support.certificates import Authority


class FileTests(SynchronousTestCase):
    def test_ca_files(self) -> None:
        """A bundle of several is read; what has no certificate, or is not there, is a problem with the file's name."""
        folder = Path(self.mktemp())
        folder.mkdir()
        good, bad = folder / "good.pem", folder / "bad.pem"
        good.write_bytes(b"".join(Authority(folder / name).ca_file.read_bytes() for name in ("1", "2")))
        bad.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        self.assertEqual(file_problems(good), [])
        self.assertEqual(file_problems(None), [])
        for path in (bad, folder / "nothing.pem"):
            (problem,) = file_problems(path)
            self.assertEqual(problem.file, path)
        bad.write_bytes(b"no certificate")
        self.assertRaises(ValueError, tls_policy, bad)

    def test_agent_for(self) -> None:
        """A bad file or proxy is refused when the provider is made, not when somebody logs in."""
        self.assertRaises(OSError, agent_for, MemoryReactorClock(), Path("/nonexistent/ca.pem"), None, 5.0)
        self.assertRaises(ValueError, agent_for, MemoryReactorClock(), None, "ftp://proxy", 5.0)


class EndpointTests(SynchronousTestCase):
    def connects_to(self, url: str, proxy: OutgoingProxy | None) -> int:
        reactor = MemoryReactorClock()
        endpoint = _Endpoints(reactor, tls_policy(None), proxy, 5.0).endpointForURI(URI.fromBytes(url.encode()))
        endpoint.connect(_Factory()).addErrback(lambda _: None)
        return int(reactor.tcpClients[0][1])

    def test_direct_and_proxied(self) -> None:
        """https goes through the proxy where there is one; loopback without TLS never does."""
        proxy = OutgoingProxy("http://127.0.0.9:3128")
        self.assertEqual(self.connects_to("https://127.0.0.1:8443/x", None), 8443)
        self.assertEqual(self.connects_to("https://127.0.0.1:8443/x", proxy), 3128)
        self.assertEqual(self.connects_to("http://127.0.0.1:9300/x", proxy), 9300)


class _Factory:
    """Wants no connection."""

    noisy = False

    def doStart(self) -> None:
        return

    def doStop(self) -> None:
        return

    def buildProtocol(self, addr: object) -> None:
        return None
