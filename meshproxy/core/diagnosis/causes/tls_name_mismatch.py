"""``tls_name_mismatch``: the certificate is not for that name or SPIFFE id."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "tls_name_mismatch"
MEANING = "the certificate is for another name"

_TRANSPORT = ("san matcher", "subject alt name", "verify san", "hostname mismatch", "san list")


def judge(seen: Reading) -> Fit | None:
    """Our own check of the names, the sidecar's "SAN matcher", or a namespace that is another's."""
    if seen.evidence.phase == "tls":
        words = seen.words
        if "name mismatch" in words:
            return proves(_told(words) or "the certificate is for another name", TOLD + 5)
        if "unrecognized name" in words:
            return proves("the other side knows no such name (alert 112, unrecognized_name)")
        if "handshake failure" in words and seen.tls is not None and not seen.tls.wants_client:
            return fits(FITS - 10)
        return member(seen, CAUSE)
    if seen.reset is not None and seen.reset.transport:
        transport = seen.reset.transport.lower()
        if any(words in transport for words in _TRANSPORT):
            return proves(f"transport failure reason: {seen.reset.transport}")
        if "certificate_verify_failed" in transport and "x509_verify_cert" not in transport:
            return fits(FITS, "transport failure reason: CERTIFICATE_VERIFY_FAILED, without saying why")
        return fits(FITS - 20) if "certificate_unknown" in transport else None
    fit = member(seen, CAUSE)
    if fit is not None and seen.admin is not None and seen.admin.wrong_name:
        return proves("our sidecar's admin counts a certificate for another name than it expects")
    if fit is not None and seen.mesh_certificate is not None:
        return fit._replace(because=f"the peer shows a {seen.mesh_certificate}")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """Towards ourselves it is the conf file, towards a sidecar the service account."""
    about = seen.about
    shown = seen.shown
    names = f"It is for {', '.join(shown.names[:5])}. " if shown is not None and shown.names else ""
    if seen.evidence.phase == "tls":
        return (
            f"{names}Set [tls] server_name (or spiffe_id, with ca_file) in services/{about.service}.toml to the name that the service "
            "carries, or have a certificate made for this one", f"What does it show? {to_paste.certificate(about)}",
        )
    return (
        f"{names}Do the pods of {about.workload} run as the service account that the sidecar expects? DestinationRule subjectAltNames, "
        f"{to_paste.get(about, 'pods')} -o custom-columns=NAME:.metadata.name,ACCOUNT:.spec.serviceAccountName",
        f"What does the peer carry? {to_paste.secrets(about)}", f"What did our sidecar see? {to_paste.access_log(about)}",
    )


def _told(words: str) -> str:
    start = words.rfind("name mismatch")
    return words[start:] if start >= 0 else ""
