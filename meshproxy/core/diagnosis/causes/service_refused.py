"""``service_refused``: the service's own 4xx."""

from __future__ import annotations

from .. import to_paste
from ..fit import DEFAULT, FITS, Fit, fits, proves
from ..reading import Reading, quote_text

CAUSE = "service_refused"
MEANING = "the service itself refuses the request"


def judge(seen: Reading) -> Fit | None:
    """A 4xx that is nobody else's; an empty one from beyond our sidecar may be."""
    status = seen.status
    if status is None or not 400 <= status < 500:
        return None
    if seen.local == "empty":
        return fits(FITS - 5) if seen.from_beyond else None
    if seen.local:
        return None
    told = known_text(seen)
    kind = seen.field(b"content-type")
    return proves(told or (f"the service says so itself ({kind})" if kind else ""), DEFAULT)


def known_text(seen: Reading) -> str:
    """What a service that we know means by its refusal; "" for others."""
    body = seen.evidence.body[:4096]
    lower = body.lower()
    if b"origin not allowed" in lower:
        return "it says 'origin not allowed', as Grafana does to a page of another origin"
    if b'"kind":"Status"' in body.replace(b" ", b"") and b'"apiVersion":"v1"' in body.replace(b" ", b""):
        return "it is a Kubernetes Status: the API server answered"
    if b"blocking cross origin api request" in lower:
        return "it blocks requests of another origin, as Jupyter does"
    if b"invalid host header" in lower or b"blocked request. this host" in lower or b"disallowedhost" in lower:
        return "it does not answer to the Host that we send"
    return ""


def hints(seen: Reading) -> tuple[str, ...]:
    """What it wants: Host, Origin, a token, a path."""
    about = seen.about
    told = known_text(seen)
    file = f"services/{about.service}.toml"
    first = {
        401: f"It wants to know who asks: which [[rewrite]] of {file} tells it, in the form it expects (meshproxy explain shows the head)?",
        403: f"It refuses who asks (no token, too few rights, another Origin): its roles, [request] origin in {file}; doctor --as USER",
        404: f"Is the path right? [route] strip_path in {file} decides whether the service sees the prefix; its base URL must fit",
        421: f"It does not answer to Host {about.sent_host}: its list of hosts, or a literal [request] host in {file}",
    }.get(seen.status or 0, f"What does it want? It answered {seen.status} to {about.method}; meshproxy explain shows the exact head")
    if seen.public_host_served:
        first = (
            f'It answers to Host {about.public_host}, not to {about.sent_host}: set [request] host = "{about.public_host}" in {file}, '
            "or have the service allow the name that we send"
        )
    elif "origin" in told:
        first = f"Allow the public origin in the service's own settings, or keep [request] origin = \"rewrite\" in {file}"
    elif "Host" in told:
        first = f"Add {about.sent_host} to the hosts that the service allows, or set a literal [request] host in {file}"
    elif "Kubernetes" in told:
        first = f"May this person do that? kubectl auth can-i --list --as USER; and the token that {about.service}'s rewriter sends"
    quoted = quote_text(seen.evidence.body)
    return (first, *((f"It says: {quoted}",) if quoted else ()), f"Its log: {to_paste.logs(about)}")
