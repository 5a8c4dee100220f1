"""What does the doctor find at one service, over real connections?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from .support.certificates import Authority
from .support.examined import Surgery
from .support.odd_services import TLS_ALERT, answer, answering, http2_alone, silent, then, tls_context
from .support.ports import free_ports

OK = answer(body=b"fine")
ENVOYS_503 = answer("503 Service Unavailable", b"no healthy upstream", "content-type: text/plain", "server: envoy")


class ExaminationTests(TestCase):
    """One service, one thing wrong with it."""

    def setUp(self) -> None:
        self.surgery = Surgery(reactor, Path(self.mktemp()))
        self.odd = self.surgery.odd
        self.addCleanup(self.odd.stop)
        self.authority = Authority(Path(self.mktemp()).absolute())

    @inlineCallbacks
    def found(self, port: int, cause: str, who: str = "nobody", confidence: str = "proven", **more: Any) -> Any:
        self.surgery.service("billing", port, **more)
        report = yield self.surgery.one()
        found = report.diagnosis
        self.assertEqual((cause, who, confidence), (found.cause, found.answered_by, found.confidence), found)
        return report

    def kinds(self, report: Any) -> list[str]:
        return [probe.probe for probe in report.diagnosis.probes]

    @inlineCallbacks
    def test_a_good_service(self) -> Any:
        """The request, and nothing more is sent."""
        heads: list[bytes] = []
        answers = answering(OK)

        def respond(odd: Any, came: bytes) -> None:
            heads.append(came)
            answers(odd, came)

        report = yield self.found(self.odd.listen(respond), "ok", "service")
        self.assertEqual(["connect", "request"], self.kinds(report))
        self.assertEqual(1, len(heads))
        self.assertTrue(heads[0].startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:"))
        self.assertIn(b"X-Request-Id: doctor-billing\r\n", heads[0])

    @inlineCallbacks
    def test_refused(self) -> Any:
        """Nobody listens; nothing else is tried."""
        report = yield self.found(free_ports(1)[0], "connect_refused")
        self.assertEqual(["connect", "request"], self.kinds(report))
        self.assertIsNone(report.diagnosis.status)

    @inlineCallbacks
    def test_no_such_name(self) -> Any:
        """The reserved name that nobody has (RFC 6761)."""
        yield self.found(80, "dns_failed", host="no-such-name.invalid")

    @inlineCallbacks
    def test_tls_on_the_port(self) -> Any:
        """A port that closes on HTTP and shows a certificate to a ClientHello."""
        port = self.odd.listen(answering(OK), tls=tls_context(*self.authority.issue("billing.example.com")))
        report = yield self.found(port, "plain_to_tls")
        self.assertIn("tls", self.kinds(report))

    @inlineCallbacks
    def test_a_strict_port(self) -> Any:
        """A port that shows a workload's certificate: mutual TLS is wanted."""
        context = tls_context(*self.authority.issue("spiffe://acme/ns/finance/sa/billing"), self.authority.ca_file)
        yield self.found(self.odd.listen(answering(OK), tls=context), "mtls_mismatch", confidence="likely")

    @inlineCallbacks
    def test_a_tls_alert(self) -> Any:
        """TLS bytes for an answer."""
        yield self.found(self.odd.listen(then("close", TLS_ALERT)), "plain_to_tls")

    @inlineCallbacks
    def test_http2_alone(self) -> Any:
        """A port that closes on HTTP/1.1 and answers the preface."""
        report = yield self.found(self.odd.listen(http2_alone), "http2_only")
        self.assertIn("http2", self.kinds(report))

    @inlineCallbacks
    def test_no_preface_behind_a_sidecar(self) -> Any:
        """With mesh = true and no admin to say otherwise the preface is not sent: our sidecar would answer it."""
        self.surgery = Surgery(reactor, Path(self.mktemp()), mesh=True)
        report = yield self.found(self.odd.listen(http2_alone), "closed_early", confidence="likely")
        self.assertNotIn("http2", self.kinds(report))
        self.assertIn("http2_only", report.diagnosis.also)

    @inlineCallbacks
    def test_another_protocol(self) -> Any:
        """A banner, quoted and named."""
        report = yield self.found(self.odd.listen(silent, greet=b"SSH-2.0-OpenSSH_9.9\r\n"), "not_http")
        self.assertIn("SSH", report.diagnosis.hints[0])

    @inlineCallbacks
    def test_a_cut_answer(self) -> Any:
        """A length that is not met; the status that came is told."""
        cut = self.odd.listen(then("close", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc"))
        report = yield self.found(cut, "response_cut", "service")
        self.assertEqual(200, report.diagnosis.status)

    @inlineCallbacks
    def test_no_answer_in_time(self) -> Any:
        """The service's own timer is proof where no mesh hides anything."""
        yield self.found(self.odd.listen(silent), "response_timeout", more='[timeouts]\nresponse = "200ms"')

    @inlineCallbacks
    def test_a_wrong_name(self) -> Any:
        """https: what the certificate is for, and what was expected."""
        port = self.odd.listen(answering(OK), tls=tls_context(*self.authority.issue("other.example")))
        tls = f'[tls]\nca_file = "{self.authority.ca_file}"'
        report = yield self.found(port, "tls_name_mismatch", scheme="https", more=tls)
        self.assertIn("other.example", report.diagnosis.hints[0])

    @inlineCallbacks
    def test_a_plain_port(self) -> Any:
        """https to a port that closes on a ClientHello and answers HTTP."""
        port = self.odd.listen(lambda odd, came: odd.close() if came[:1] == b"\x16" else odd.say(OK))
        report = yield self.found(port, "tls_to_plain", scheme="https")
        self.assertIn("plain HTTP is answered", [probe.outcome for probe in report.diagnosis.probes])

    @inlineCallbacks
    def test_a_redirect_in_circles(self) -> Any:
        """The same redirect twice; a redirect to a login is an answer."""
        yield self.found(self.odd.listen(answering(answer("301 Moved", b"", "Location: https://127.0.0.1/"))), "redirect_loop", "service")
        yield self.found(self.odd.listen(answering(answer("302 Found", b"", "Location: /login"))), "ok", "service")

    @inlineCallbacks
    def test_another_host_is_wanted(self) -> Any:
        """A service that answers to the public name alone: the literal is advised."""
        port = self.odd.listen(answering({"localhost": OK}, answer("403 Forbidden", b"DisallowedHost")))
        report = yield self.found(port, "service_refused", "service")
        self.assertIn('host = "localhost"', report.diagnosis.hints[0])

    @inlineCallbacks
    def test_a_sidecars_words(self) -> Any:
        """The same bytes are a sidecar's in a mesh and a gateway's without; Hosts are compared in a mesh."""
        port = self.odd.listen(answering(ENVOYS_503))
        yield self.found(port, "no_endpoints", "gateway")
        self.surgery = Surgery(reactor, Path(self.mktemp()), mesh=True)
        report = yield self.found(port, "no_endpoints", "own-sidecar")
        self.assertEqual(["connect", "request", "host", "host", "host"], self.kinds(report))
        self.assertEqual("no-such-name.invalid", report.diagnosis.probes[2].host)

    @inlineCallbacks
    def test_around_meshproxy(self) -> Any:
        """A stranger is answered where nothing fences the service; a duty to show a certificate does."""
        self.surgery.service("billing", self.odd.listen(answering(OK)))
        report = yield self.surgery.one(bypass=True)
        self.assertEqual((True, False), (report.bypass.reachable, report.ok))
        context = tls_context(*self.authority.issue("127.0.0.1"), self.authority.ca_file)
        self.surgery.service("billing", self.odd.listen(answering(OK), tls=context), scheme="https")
        report = yield self.surgery.one(bypass=True)
        self.assertFalse(report.bypass.reachable)
