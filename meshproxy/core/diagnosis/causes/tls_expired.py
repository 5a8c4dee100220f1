"""``tls_expired``: a certificate, theirs or ours as they see it, is outside its dates."""

from __future__ import annotations

from .. import to_paste
from ..certificate import day
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "tls_expired"
MEANING = "a certificate is outside its dates"

_OURS = ("alert certificate expired", "alert_certificate_expired")
_WORDS = ("certificate has expired", "not yet valid", *_OURS)


def judge(seen: Reading) -> Fit | None:
    """OpenSSL's words, an alert, or the dates themselves."""
    shown = seen.shown
    dates = shown.outside_its_dates(seen.about.now) if shown is not None and seen.about.now else ""
    if seen.evidence.phase == "tls":
        if not any(words in seen.words for words in _WORDS):
            return None
        ours = any(words in seen.words for words in _OURS)
        if ours:
            return proves("the other side says that our certificate has expired (alert 45)", TOLD + 10)
        return proves(f"its certificate is outside its dates: {dates or seen.words}", TOLD + 10)
    if seen.reset is not None and seen.reset.transport:
        transport = seen.reset.transport.lower()
        if any(words in transport for words in _WORDS):
            return proves(f"transport failure reason: {seen.reset.transport}", TOLD + 10)
        unsaid = "certificate_verify_failed" in transport and "verify cert failed" not in transport
        return fits(FITS - 10) if unsaid or "certificate_unknown" in transport else None
    fit = member(seen, CAUSE)
    if fit is None:
        return None
    if dates:
        return fits(FITS + 20, f"the peer's certificate is outside its dates: {dates}")
    admin = seen.admin
    if admin is not None and admin.identity_ends is not None and admin.identity_ends < seen.about.now:
        return fits(FITS + 20, f"our own certificate ended on {day(admin.identity_ends)}")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """Renew it, or have the mesh renew it."""
    about = seen.about
    if seen.evidence.phase == "tls":
        if any(words in seen.words for words in _OURS):
            return (f"Renew our certificate, [tls] cert_file of services/{about.service}.toml; openssl x509 -enddate -noout -in CERT_FILE",)
        return (f"Renew the service's certificate. Its dates: {to_paste.certificate(about)} | openssl x509 -dates -noout",
                "Is the clock of this machine right? date -u")
    return (
        f"Which side's certificate has expired? {to_paste.secrets(about)}; a restart of that pod (or of istiod) renews it",
        f"What did our sidecar see? {to_paste.access_log(about)}", "Are the clocks of both nodes right? date -u",
    )
