"""``plain_to_tls``: ``http://`` in the conf directory, TLS on the port."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "plain_to_tls"
MEANING = "the port speaks TLS, and http:// is configured"

_TEXTS = (
    b"HTTP request to an HTTPS server", b"plain HTTP request was sent to HTTPS port", b"SSL-enabled server port",
    b"combination of host and port requires TLS", b"HTTP request was sent to HTTPS port", b"request sent to an HTTPS port",
)


def judge(seen: Reading) -> Fit | None:
    """A TLS alert, a server that says so, or a ServerHello to our ClientHello."""
    if seen.about.upstream.scheme != "http":
        return None
    first = seen.evidence.first_bytes
    if seen.status is None and first[:1] in (b"\x15", b"\x16") and first[1:2] in (b"\x03", b""):
        return proves(f"it answered our HTTP with TLS: {seen.quoted}", TOLD + 20)
    if seen.status in (400, 426, 497) and not seen.local and any(text in seen.evidence.body for text in _TEXTS):
        return proves("it says that plain HTTP came to its HTTPS port", TOLD + 20)
    fit = member(seen, CAUSE)
    if fit is None or seen.shown is None or seen.shown.spiffe_id:
        return fit
    words = f"a TLS ClientHello to the same port is answered with a {seen.shown}"
    return proves(words, TOLD + 10) if seen.silent else fits(FITS + 1, words)


def hints(seen: Reading) -> tuple[str, ...]:
    """One letter in the conf file."""
    about = seen.about
    authority = f"{about.upstream.host}:{about.upstream.port}"
    return (
        f'Write upstream = "https://{authority}" in services/{about.service}.toml; a CA of its own goes into [tls] ca_file',
        f"What does the port show? {to_paste.certificate(about)}",
    )
