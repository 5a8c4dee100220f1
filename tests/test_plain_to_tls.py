"""Does the port speak TLS, although http:// is configured?"""

from __future__ import annotations

from meshproxy.core.diagnosis import TlsSeen

from .support.diagnosing import NAME, CauseTests, answered, certificate, failed, reset, situation, verdict, workload

WEB = certificate("billing.example.com", issuer="CN=R11")
MESH = workload()


class PlainToTlsTests(CauseTests):
    """Does the port speak TLS, although http:// is configured?"""

    def test_a_tls_alert(self) -> None:
        """TLS bytes for an answer are proof; the advice is the upstream to write."""
        for first in (b"\x15\x03\x01\x00\x02\x02\x46", b"\x15\x03\x03\x00\x02\x02\x0a"):
            found = self.proven("plain_to_tls", "nobody", verdict(failed("head", "invalid", first)))
            self.advises(found, f'upstream = "https://{NAME}:8080"', "services/billing.toml")

    def test_servers_that_say_so(self) -> None:
        """Go, nginx, Apache and Tomcat say it in a 400 of theirs."""
        for text in ("Client sent an HTTP request to an HTTPS server.\n", "<h1>400</h1>The plain HTTP request was sent to HTTPS port",
                     "You're speaking plain HTTP to an SSL-enabled server port.", "This combination of host and port requires TLS."):
            found = verdict(answered(400, text, {"content-type": "text/html"}))
            self.assertEqual(("plain_to_tls", "proven"), (found.cause, found.confidence))

    def test_the_words_in_another_answer(self) -> None:
        """The same words in an answer that is no 400 are a page about them."""
        found = verdict(answered(404, "How to fix: The plain HTTP request was sent to HTTPS port", {"content-type": "text/html"}))
        self.assertEqual("service_refused", found.cause)

    def test_a_web_certificate(self) -> None:
        """A connection that just closes, and a ClientHello that is answered with a certificate for names."""
        self.proven("plain_to_tls", "nobody", verdict(failed("head", "eof"), None, TlsSeen("handshake", WEB)))
        self.likely(
            "plain_to_tls", "own-sidecar", verdict(reset("connection termination"), None, TlsSeen("handshake", WEB)), "mtls_mismatch"
        )

    def test_a_workloads_certificate_is_a_mesh(self) -> None:
        """A SPIFFE id is not what https:// in the conf file would mend."""
        found = verdict(failed("head", "eof"), None, TlsSeen("handshake", MESH, wants_client=True))
        self.likely("mtls_mismatch", "nobody", found)

    def test_https_is_not_plain(self) -> None:
        """Never for an upstream that is https."""
        found = verdict(failed("head", "eof"), situation("https"))
        self.assertNotIn("plain_to_tls", (found.cause, *found.also))
