"""``unknown``: none of the others; the answer is quoted."""

from __future__ import annotations

from .. import to_paste
from ..fit import Fit, fits
from ..reading import Reading, quote_text

CAUSE = "unknown"
MEANING = "none of the known causes fits"


def judge(seen: Reading) -> Fit | None:
    """What remains."""
    evidence = seen.evidence
    if seen.status is not None:
        return fits(0, f"it answered {seen.status}: {quote_text(evidence.body)}")
    words = evidence.error or seen.words or evidence.end or "nothing is known of it"
    if "protocol version" in seen.words:
        words = f"no TLS version that both sides speak: {words}"
    return fits(0, f"in phase {evidence.phase}: {words}")


def hints(seen: Reading) -> tuple[str, ...]:
    """Where to look when nothing is known."""
    about = seen.about
    if "protocol version" in seen.words:
        return (f"The other side speaks no TLS of ours: [tls] min_version in services/{about.service}.toml, or a newer TLS there",)
    if seen.answered_by == "meshproxy":
        return (f"Nothing is wrong with the service as far as this request tells; meshproxy itself ended it: {seen.evidence.error}",)
    if about.upstream.scheme in ("unix", "sample"):
        return (f"Ask it directly: curl -sv --unix-socket {about.upstream.path or 'SOCKET'} http://localhost/ -o /dev/null",)
    return (
        f"Ask it as meshproxy does: curl -sv -H 'Host: {about.sent_host}' {about.upstream.origin}/ -o /dev/null",
        f"Its log: {to_paste.logs(about)}",
    )
