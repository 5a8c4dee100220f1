"""``client_cert_required``: the other side wants a client certificate that it did not get, or does not like."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "client_cert_required"
MEANING = "the other side wants a client certificate that it did not get, or does not like"

_CERTAIN = ("certificate required", "peer did not return a certificate", "certificate_required")
_ALERTS = ("alert handshake failure", "alert bad certificate", "alert unsupported certificate", "alert access denied")
_TRANSPORT = ("alert_handshake_failure", "alert_bad_certificate", "certificate_required", "alert_unsupported_certificate")


def judge(seen: Reading) -> Fit | None:
    """Alert 116 says it; 40 and 42 say it after a CertificateRequest."""
    if seen.evidence.phase == "tls":
        words = seen.words
        if any(certain in words for certain in _CERTAIN):
            return proves("the other side wants a client certificate (alert 116, certificate_required)", TOLD + 5)
        if any(alert in words for alert in _ALERTS):
            if seen.tls is not None and seen.tls.wants_client:
                return proves(f"it asks for a client certificate (CertificateRequest) and then breaks off: {seen.evidence.error}", TOLD + 5)
            return fits(FITS, f"it breaks off the handshake: {seen.evidence.error}")
        if "certificate unknown" in words:
            return fits(FITS, "it does not like our certificate (alert 46, certificate_unknown)")
    elif seen.reset is not None and seen.reset.transport:
        transport = seen.reset.transport.lower()
        if any(alert in transport for alert in _TRANSPORT):
            return proves(f"transport failure reason: {seen.reset.transport}")
        return fits(FITS, f"transport failure reason: {seen.reset.transport}") if "certificate_unknown" in transport else None
    fit = member(seen, CAUSE)
    if fit is not None and seen.admin is not None and seen.admin.peer_refused:
        return fit._replace(because="our sidecar's admin counts a handshake that the other side broke off")
    if fit is not None and seen.tls is not None and seen.tls.wants_client:
        return fit._replace(because="to a TLS ClientHello the port answers with a CertificateRequest")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """Towards ourselves it is cert_file, towards a sidecar the DestinationRule's mode."""
    about = seen.about
    if seen.answered_by == "nobody":
        in_mesh = (
            "Its certificate is a mesh's: then rather upstream = \"http://…\" and a sidecar in meshproxy's pod, which has the certificate",
        ) if seen.mesh_certificate is not None else ()
        return (
            f"Give our client certificate as [tls] cert_file and key_file in services/{about.service}.toml, of a CA that the service "
            "trusts", *in_mesh, f"Whose does it accept? {to_paste.certificate(about)} (Acceptable client certificate CA names)",
        )
    return (
        f"Does the DestinationRule of {about.workload} say tls.mode ISTIO_MUTUAL (SIMPLE sends no certificate)? {to_paste.policies(about)}",
        f"What do both sidecars carry? {to_paste.secrets(about)}", f"What did our sidecar see? {to_paste.access_log(about)}",
    )
