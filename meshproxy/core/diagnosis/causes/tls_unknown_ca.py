"""``tls_unknown_ca``: one side does not trust the other's CA."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "tls_unknown_ca"
MEANING = "one side does not trust the other's CA"

_OURS = ("alert unknown ca", "alert_unknown_ca")
_WORDS = (
    "unable to get local issuer", "unable to get issuer", "unable to verify the first certificate", "self-signed", "self signed",
    "certificate chain", "invalid ca certificate", "certificate signature failure", *_OURS,
)


def judge(seen: Reading) -> Fit | None:
    """OpenSSL's words, or an alert."""
    if seen.evidence.phase == "tls":
        if any(words in seen.words for words in _OURS):
            return proves("the other side does not trust the CA of our certificate (alert 48, unknown_ca)", TOLD + 10)
        if any(words in seen.words for words in _WORDS):
            issuer = f"; issued by {seen.certificate.issuer}" if seen.certificate is not None else ""
            return proves(f"its certificate is of a CA that we do not trust: {seen.evidence.error or seen.words}{issuer}", TOLD + 5)
        return fits(FITS - 10) if "certificate unknown" in seen.words else None
    if seen.reset is not None and seen.reset.transport:
        transport = seen.reset.transport.lower()
        if any(words in transport for words in _WORDS):
            return proves(f"transport failure reason: {seen.reset.transport}")
        unsaid = "certificate_verify_failed" in transport and "verify cert failed" not in transport
        return fits(FITS - 5) if unsaid or "certificate_unknown" in transport else None
    fit = member(seen, CAUSE)
    if fit is not None and seen.admin is not None and seen.admin.not_trusted:
        return fits(FITS + 10, "the sidecar's admin counts a certificate that it could not verify")
    if fit is not None and seen.mesh_certificate is not None:
        return fit._replace(because=f"the peer's certificate is issued by {seen.mesh_certificate.issuer}")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """Towards ourselves it is ca_file, towards a sidecar the root of the mesh."""
    about = seen.about
    if seen.evidence.phase == "tls":
        if any(words in seen.words for words in _OURS):
            return (f"Have our certificate ([tls] cert_file of services/{about.service}.toml) issued by a CA that the service trusts",)
        return (
            f"Give the CA of the service's certificate as [tls] ca_file in services/{about.service}.toml",
            f"Who issued it? {to_paste.certificate(about)} | openssl x509 -issuer -subject -noout",
        )
    return (
        f"Do both sides have the same trust domain and root CA (both clusters, both istiods)? {to_paste.secrets(about)}",
        "kubectl get configmaps -A --field-selector metadata.name=istio-ca-root-cert -o yaml: is it the same root everywhere?",
        f"What did our sidecar see? {to_paste.access_log(about)}",
    )
