"""``gateway_error``: a proxy on the way, that is no Envoy, answered an error of its own."""

from __future__ import annotations

from ..fit import FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "gateway_error"
MEANING = "a proxy on the way answered with an error of its own"


def judge(seen: Reading) -> Fit | None:
    """Its page, or a field that it sets on its own answers alone."""
    if not seen.proxy:
        return None
    words = f"the page is {seen.proxy}'s own"
    # A web server that is the service itself shows the same page for what it does not have.
    return proves(words) if (seen.status or 0) >= 500 else fits(FITS, words)


def hints(seen: Reading) -> tuple[str, ...]:
    """That proxy's own upstream."""
    about = seen.about
    return (
        f"Does {seen.proxy or 'the proxy'} at {about.upstream.authority} reach its own upstream? Its log names it",
        f"Is it meant to be there? upstream in services/{about.service}.toml may name the service itself",
    )
