"""What if nobody knows?"""

from __future__ import annotations

from .support.diagnosing import NAME, CauseTests, failed, reset, situation, verdict


class UnknownTests(CauseTests):
    """What if nobody knows?"""

    def test_it_is_quoted(self) -> None:
        """What came is quoted, and the way to ask it by hand is told."""
        found = self.likely(
            "unknown", "nobody", verdict(failed("tls", "tls", error="decryption failed or bad record mac"), situation("https"))
        )
        self.assertIn("bad record mac", found.because[0])
        self.advises(found, f"curl -sv -H 'Host: {NAME}:8080' https://{NAME}:8080/")

    def test_versions_of_tls(self) -> None:
        """No common version has no code of its own, but advice."""
        words = "tlsv1 alert protocol version"
        self.advises(verdict(failed("tls", "tls", error=words, tls_reasons=(words,)), situation("https")), "min_version")

    def test_what_we_ended_ourselves(self) -> None:
        """The service is not accused of what meshproxy ended."""
        found = self.likely("unknown", "meshproxy", verdict(failed("queue", "aborted", error="the pool is closed")))
        self.advises(found, "the pool is closed")

    def test_a_reset_of_the_future(self) -> None:
        """A reason that no version had yet is told, and its words are read as far as they go."""
        self.assertEqual("connect_timeout", verdict(reset("happy eyeballs timeout")).cause)
        self.assertEqual("unknown", verdict(reset("solar flare")).cause)
        self.assertIn("solar flare", verdict(reset("solar flare")).because[0])
