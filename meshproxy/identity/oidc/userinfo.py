"""What else does the provider know of the person? The UserInfo endpoint (OpenID Connect Core §5.3), plain or signed.

The rule: it must speak of the very subject of the ID token (§5.3.2), else what it says is not used at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import treq

from ...core import jws
from ...core.idtoken import IdTokenRules, check_issuer, same
from ...core.jws import TokenInvalid
from ...core.signing_keys import SigningKeys
from ...core.strict_json import NotJson, load_object
from ..backchannel import BackChannel, BackChannelError, fields
from ..keys import KeyCache


class UserinfoUseless(Exception):
    """The endpoint answered, and nothing in the answer can be used; the message says why. Not an outage."""


async def fetch_userinfo(
    http: BackChannel, url: str, access_token: str, subject: str, keys: KeyCache, rules: IdTokenRules
) -> Mapping[str, Any]:
    """The claims about ``subject``.

    :raises UserinfoUseless: refused, about somebody else, no JSON object, a signature that does not hold.
    :raises BackChannelError: it could not be asked (now).
    """
    accepted = "application/json, application/jwt;q=0.9"
    response = await http.get(url, headers=fields({"Authorization": f"Bearer {access_token}", "Accept": accepted}))
    if response.code != 200:
        if response.code >= 500 or response.code == 429:
            raise BackChannelError("status", f"userinfo was answered {response.code}", response.code)
        raise UserinfoUseless(f"userinfo was answered {response.code}")
    body = await treq.content(response)
    kind = (response.headers.getRawHeaders("content-type") or [""])[0].partition(";")[0].strip().lower()
    try:
        if kind == "application/jwt":
            claims = await keys.checked(lambda known: _signed_claims(body.decode("ascii", "replace").strip(), known, rules))
        else:
            claims = load_object(body)
    except (NotJson, TokenInvalid) as error:
        raise UserinfoUseless(f"userinfo: {error}") from None
    if not same(claims.get("sub"), subject):
        raise UserinfoUseless("userinfo speaks of another subject than the ID token")
    return claims


def _signed_claims(raw: str, keys: SigningKeys, rules: IdTokenRules) -> Mapping[str, Any]:
    """Core §5.3.2: signed, it should name issuer and audience; where it does, they must be right. It has no times of its own."""
    claims = jws.verified(jws.parse(raw), keys, rules.algorithms).claims
    if "iss" in claims:
        check_issuer(claims, rules.issuer)
    if "aud" in claims and rules.client_id not in jws.audiences(claims):
        raise TokenInvalid("aud", "'aud' does not name this client")
    return claims
