"""``tls_to_plain``: ``https://`` in the conf directory, no TLS on the port."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "tls_to_plain"
MEANING = "the port speaks no TLS, and https:// is configured"

_WORDS = ("wrong version number", "http request", "unknown protocol", "packet length too long", "record layer failure", "not tls")


def judge(seen: Reading) -> Fit | None:
    """OpenSSL could not read what came, or plain HTTP works."""
    if seen.about.upstream.scheme != "https" or seen.evidence.phase != "tls":
        return None
    if seen.plain is not None and seen.plain.http:
        return proves("an ordinary HTTP request to the same port is answered", TOLD + 10)
    if any(words in seen.words for words in _WORDS):
        return proves(f"what came in place of TLS is none: {seen.evidence.error or seen.words}", TOLD + 10)
    if seen.evidence.end == "timeout":
        return fits(FITS - 5)
    return member(seen, CAUSE)


def hints(seen: Reading) -> tuple[str, ...]:
    """One letter in the conf file."""
    about = seen.about
    authority = f"{about.upstream.host}:{about.upstream.port}"
    return (
        f'Write upstream = "http://{authority}" in services/{about.service}.toml (a mesh encrypts by itself), or take its HTTPS port',
        f"What does the port speak? {to_paste.certificate(about)}", f"Which ports are there? {to_paste.service(about)}",
    )
