"""``redirect_loop``: the service redirects to where we already are."""

from __future__ import annotations

from ..fit import FITS, Fit, proves
from ..reading import Reading

CAUSE = "redirect_loop"
MEANING = "the service redirects to where we already are"


def judge(seen: Reading) -> Fit | None:
    """The same request again was sent to the same place again: whoever probed has compared them."""
    if seen.second is None or seen.status is None or not 300 <= seen.status < 400:
        return None
    return proves(f"it redirects to where we already are, twice: {seen.second.location}", FITS)


def hints(seen: Reading) -> tuple[str, ...]:
    """What the service believes its URL to be."""
    about = seen.about
    location = seen.second.location if seen.second is not None else ""
    https = (
        "It insists on https: have it believe X-Forwarded-Proto (its setting for a reverse proxy), or take its redirect to https away",
    ) if location.startswith("https://") else ()
    return (
        "Does the service's base URL (root URL, X-Forwarded-Proto, X-Forwarded-Prefix) fit its route? [route] path and strip_path in "
        f"services/{about.service}.toml",
        *https,
    )
