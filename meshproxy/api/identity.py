"""What do identity providers need beside the interfaces? The protocols and checks that meshproxy's own providers are made of.

A provider of yours may use them too: a back channel with deadlines, token verification, key caches, claims mapping, a whole OpenID
Connect client.
"""

from __future__ import annotations

from ..config.units import Duration
from ..core.claims import ClaimsMapping, lookup, names, principal_of, text
from ..core.idtoken import IdTokenRules, validate_id_token
from ..core.jws import DEFAULT_ALGORITHMS, TokenInvalid, UnknownKey, check_times, looks_like_jws
from ..core.provider_metadata import secure_url
from ..core.provider_text import error_code, sanitised
from ..core.signing_keys import ASYMMETRIC, SYMMETRIC, SigningKeys
from ..identity.backchannel import BackChannel, BackChannelError
from ..identity.deadline import Turns, within
from ..identity.keys import KeyCache
from ..identity.oddities import LoginFacts, Oddities
from ..identity.oidc.client import ClientSettings, OidcClient
from ..identity.oidc.client_auth import ClientAuth, load_private_key
from ..identity.oidc.discovery import Discovery
from ..identity.oidc.login import PROTECTED, LoginSettings, code_challenge, with_query
from ..identity.presets import Preset, load_preset, preset_names

__all__ = [
    "ASYMMETRIC", "DEFAULT_ALGORITHMS", "PROTECTED", "SYMMETRIC", "BackChannel", "BackChannelError", "ClaimsMapping",
    "ClientAuth", "ClientSettings", "Discovery", "Duration", "IdTokenRules", "KeyCache", "LoginFacts", "LoginSettings",
    "Oddities", "OidcClient", "Preset", "SigningKeys", "TokenInvalid", "Turns", "UnknownKey", "check_times", "code_challenge",
    "error_code", "load_preset", "load_private_key", "looks_like_jws", "lookup", "names", "preset_names", "principal_of",
    "sanitised", "secure_url", "text", "validate_id_token", "with_query", "within",
]
