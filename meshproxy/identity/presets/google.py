"""Google: which Workspace domains may log in? The ``hd`` claim decides, not the ``hd`` parameter, which anybody can take out of the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..oddities import Oddities


class Odd(Oddities):
    """With ``hosted_domain``, accounts of these domains alone; ``"*"`` is any Workspace domain, but no private account."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        domains = options.get("hosted_domain") or ()
        self._domains = tuple(str(domain).lower() for domain in ([domains] if isinstance(domains, str) else domains))

    def authorization_parameters(self) -> Mapping[str, str]:
        """``hd``, so that Google offers the right accounts."""
        if not self._domains:
            return {}
        return {"hd": self._domains[0] if len(self._domains) == 1 else "*"}

    def refusal(self, claims: Mapping[str, Any]) -> str | None:
        """Whoever is of no hosted domain."""
        if not self._domains:
            return None
        domain = claims.get("hd")
        if isinstance(domain, str) and domain and ("*" in self._domains or domain.lower() in self._domains):
            return None
        return "the account belongs to none of the hosted domains ('hd')"
