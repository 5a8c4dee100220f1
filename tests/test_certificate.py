"""What does a certificate say of its holder?"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.certificate import CertificateFacts, day, read_certificate

from .support.certificates import Authority


class CertificateTests(SynchronousTestCase):
    """Names, dates and issuer."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()), "acme root")

    def facts(self, *names: str, days: tuple[int, int] = (-1, 30)) -> CertificateFacts:
        file, _ = self.authority.issue(*names, days=days)
        found = read_certificate(x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER))
        assert found is not None
        return found

    def test_a_workloads(self) -> None:
        """The SPIFFE id is found beside other names, and stands in the line for people."""
        found = self.facts("billing.finance", "spiffe://acme/ns/finance/sa/billing", "10.0.0.1")
        self.assertEqual("spiffe://acme/ns/finance/sa/billing", found.spiffe_id)
        self.assertEqual({"spiffe://acme/ns/finance/sa/billing", "billing.finance", "10.0.0.1"}, set(found.names))
        self.assertIn("issued by CN=acme root", str(found))
        self.assertFalse(found.self_signed)

    def test_without_alternative_names(self) -> None:
        """The common name is told, as of old."""
        self.assertEqual((("leaf",), ""), (self.facts().names, self.facts().spiffe_id))

    def test_dates(self) -> None:
        """Ended, not begun, or valid."""
        found = self.facts("a", days=(-10, -3))
        self.assertIn(f"it ended on {day(found.not_after)}", found.outside_its_dates(found.not_after + 1))
        self.assertIn("begins only", found.outside_its_dates(found.not_before - 1))
        self.assertEqual("", found.outside_its_dates(found.not_before + 1))

    def test_what_is_none(self) -> None:
        """Garbage says nothing and breaks nothing."""
        for der in (b"", b"\x30\x03\x02\x01\x01", b"not a certificate" * 10):
            self.assertIsNone(read_certificate(der))
