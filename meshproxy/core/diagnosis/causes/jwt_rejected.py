"""``jwt_rejected``: a RequestAuthentication refused the token."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import Fit, proves
from ..reading import Reading

CAUSE = "jwt_rejected"
MEANING = "the mesh refused the token"


def judge(seen: Reading) -> Fit | None:
    """Envoy's text names what is wrong with the token."""
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves(f"the text '{seen.text.decode('ascii')}' is a RequestAuthentication's")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """The token that a rewriter injects, against the rule that judges it."""
    about = seen.about
    missing = seen.text == b"Jwt is missing"
    first = (
        f'The mesh wants a token and none was sent: give the service one, [[rewrite]] use = "bearer" or "jwt-assertion" in '
        f"services/{about.service}.toml"
        if missing else
        f"Do issuer and audience of the token that the rewriter of {about.service} injects fit the RequestAuthentication?"
    )
    return (
        f"{first} (issuer and audience must fit: {to_paste.yaml(about, 'requestauthentications')})",
        "Can istiod reach the jwksUri, and has it the key? kubectl -n istio-system logs deploy/istiod | grep -i jwks",
    )
