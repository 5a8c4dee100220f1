"""What does a certificate say of its holder? Names, dates and issuer, for people and for rules.

Nothing is verified here: that was the handshake's business. A certificate that cannot be read says nothing and breaks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

_LONGEST_NAME = 120
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """The parts of a certificate that a diagnosis quotes.

    :ivar names: DNS names, addresses and URIs it is for, or its common name where it has none of these.
    :ivar spiffe_id: the first ``spiffe://`` URI; "" when it is no workload's of a mesh.
    :ivar issuer: who signed it.
    :ivar not_before, not_after: its dates, seconds since the epoch.
    :ivar self_signed: issuer and subject are the same.
    """

    names: tuple[str, ...]
    spiffe_id: str
    issuer: str
    not_before: float
    not_after: float
    self_signed: bool

    def outside_its_dates(self, now: float) -> str:
        """Why it is not valid at ``now``; "" when it is."""
        if now > self.not_after:
            return f"it ended on {day(self.not_after)}"
        if now < self.not_before:
            return f"it begins only on {day(self.not_before)}"
        return ""

    def __str__(self) -> str:
        """One line for people."""
        return f"certificate {', '.join(self.names[:_MOST_NAMES]) or 'without a name'}, issued by {self.issuer}, ends {day(self.not_after)}"


def read_certificate(der: bytes) -> CertificateFacts | None:
    """The facts of a certificate in DER; ``None`` where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = _names(certificate)
        issuer, subject = certificate.issuer, certificate.subject
        return CertificateFacts(
            names=tuple(_printable(name) for name in names or _common_name(subject)),
            spiffe_id=next((_printable(name) for name in names if name.startswith("spiffe://")), ""),
            issuer=_printable(issuer.rfc4514_string()) or "nobody named",
            not_before=certificate.not_valid_before_utc.timestamp(), not_after=certificate.not_valid_after_utc.timestamp(),
            self_signed=issuer == subject and bool(list(subject)),
        )
    except (ValueError, TypeError, OverflowError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def day(seconds: float) -> str:
    """A date for people, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found: list[str] = []
    for kind in (x509.UniformResourceIdentifier, x509.DNSName, x509.IPAddress):
        found += [str(name) for name in names.get_values_for_type(kind)]
    return found


def _common_name(subject: x509.Name) -> list[str]:
    return [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _printable(name: str) -> str:
    """On one line, without what a terminal or a page would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:_LONGEST_NAME]
