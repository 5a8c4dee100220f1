"""What do identity providers need beside the interfaces? The protocols and checks that meshproxy's own providers are made of.

A provider of yours may use them too: a back channel with deadlines, token verification, key caches, claims mapping, a whole OpenID
Connect client.
"""

from __future__ import annotations

from joserfc.jwk import Key

from ..config.units import Duration
from ..core.access_token import AccessTokenRules, bearer_token
from ..core.claims import ClaimsMapping, lookup, names, principal_of, text
from ..core.idtoken import IdTokenRules, validate_id_token
from ..core.jws import DEFAULT_ALGORITHMS, TokenInvalid, UnknownKey, check_times, looks_like_jws
from ..core.provider_metadata import Metadata, secure_url
from ..core.provider_text import error_code, sanitised
from ..core.signing_keys import ASYMMETRIC, SYMMETRIC, SigningKeys
from ..identity.backchannel import BackChannel, BackChannelError, back_channel_for, fields, file_problems
from ..identity.bearer import BearerTokens, Introspection
from ..identity.deadline import Turns, within
from ..identity.keys import KeyCache
from ..identity.oddities import LoginFacts, Oddities
from ..identity.oidc.client import ClientSettings, OidcClient
from ..identity.oidc.client_auth import ClientAuth, load_private_key
from ..identity.oidc.discovery import Discovery
from ..identity.oidc.login import PROTECTED, LoginSettings, authorization_code, authorization_url, code_challenge, with_query
from ..identity.oidc.noting import Noting, of_tokens
from ..identity.oidc.refresh import new_tokens
from ..identity.oidc.tokens import TokenAnswer, TokenRefused, call_token_endpoint
from ..identity.presets import Preset, load_preset, preset_names
from .one_or_more import Names

__all__ = [
    "ASYMMETRIC",
    "DEFAULT_ALGORITHMS",
    "PROTECTED",
    "SYMMETRIC",
    "AccessTokenRules",
    "BackChannel",
    "BackChannelError",
    "BearerTokens",
    "ClaimsMapping",
    "ClientAuth",
    "ClientSettings",
    "Discovery",
    "Duration",
    "IdTokenRules",
    "Introspection",
    "Key",
    "KeyCache",
    "LoginFacts",
    "LoginSettings",
    "Metadata",
    "Names",
    "Noting",
    "Oddities",
    "OidcClient",
    "Preset",
    "SigningKeys",
    "TokenAnswer",
    "TokenInvalid",
    "TokenRefused",
    "Turns",
    "UnknownKey",
    "authorization_code",
    "authorization_url",
    "back_channel_for",
    "bearer_token",
    "call_token_endpoint",
    "check_times",
    "code_challenge",
    "error_code",
    "fields",
    "file_problems",
    "load_preset",
    "load_private_key",
    "looks_like_jws",
    "lookup",
    "names",
    "new_tokens",
    "of_tokens",
    "preset_names",
    "principal_of",
    "sanitised",
    "secure_url",
    "text",
    "validate_id_token",
    "with_query",
    "within",
]
