"""What does a rewriter need to sign what it says? Keys that rotate, the same in every worker and replica, and the JWT itself.

A rewriter that signs has a method ``published_keys()``: a list of JWKs (RFC 7517), which stand at ``/_meshproxy/jwks.json``.
"""

from __future__ import annotations

from ..core.assertion_keys import LONGEST_LIFETIME, AssertionKey, AssertionKeys, DailyKeys, GivenKeys, parse_keys
from ..core.claims import lookup

__all__ = ["LONGEST_LIFETIME", "AssertionKey", "AssertionKeys", "DailyKeys", "GivenKeys", "lookup", "parse_keys"]
