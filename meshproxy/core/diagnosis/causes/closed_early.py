"""``closed_early``: connected, then closed or reset before a byte of an answer."""

from __future__ import annotations

from .. import to_paste
from ..fit import Fit
from ..groups import member
from ..reading import Reading

CAUSE = "closed_early"
MEANING = "the connection was made and then closed before a byte of an answer"


def judge(seen: Reading) -> Fit | None:
    """The end of the connection came in place of an answer."""
    fit = member(seen, CAUSE)
    if fit is None or seen.reset is not None:
        return fit
    how = "reset" if seen.evidence.end == "reset" else "closed"
    again = ", a connection that had served before" if seen.evidence.reused else ""
    when = "in the TLS handshake" if seen.evidence.phase == "tls" else "before a byte of an answer"
    return fit._replace(because=f"the connection was {how} {when}{again}")


def hints(seen: Reading) -> tuple[str, ...]:
    """The service's own log knows."""
    about = seen.about
    return (
        f"Does the service crash at that moment, or is its keep-alive shorter than ours? Its log: {to_paste.logs(about)}",
        f"Keep [pool] idle in services/{about.service}.toml below the time after which the service closes idle connections",
        f"Does it restart? {to_paste.pods(about)}",
    )
