"""Is there no TLS on the port, although https:// is configured?"""

from __future__ import annotations

from meshproxy.core.diagnosis import PlainSeen

from .support.diagnosing import NAME, CauseTests, failed, situation, verdict


class TlsToPlainTests(CauseTests):
    """Is there no TLS on the port, although https:// is configured?"""

    def test_openssls_words(self) -> None:
        """What OpenSSL says to bytes that are no TLS is proof; the advice is the upstream to write."""
        for words in ("wrong version number", "packet length too long", "record layer failure"):
            found = self.proven(
                "tls_to_plain", "nobody", verdict(failed("tls", "tls", error=words, tls_reasons=(words,)), situation("https"))
            )
            self.advises(found, f'upstream = "http://{NAME}:8080"')

    def test_a_port_that_closes(self) -> None:
        """A close in the handshake is many things; plain HTTP that works is one."""
        https = situation("https")
        self.likely("closed_early", "nobody", verdict(failed("tls", "eof"), https), "tls_to_plain", "client_cert_required")
        self.proven("tls_to_plain", "nobody", verdict(failed("tls", "eof"), https, PlainSeen(True, b"HTTP/1.1 200")))
        self.proven("tls_to_plain", "nobody", verdict(failed("tls", "timeout"), https, PlainSeen(True, b"HTTP/1.1 200")))
