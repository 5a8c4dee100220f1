"""Who is asking? The principal that ``--as``, ``--groups`` and ``--claims`` describe, as a login would have made it.

The rule: somebody of a users file brings what stands there; for everybody else nothing is made up: USER is the subject, and e-mail
address, name and groups come from claims, mapped as the provider maps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..configured import Configured
from ..core.claims import ClaimsMapping, principal_of
from ..core.principal import Principal, SignedIn, Tokens
from ..problems import ConfError, Problem
from ..settings import PluginTable

_PLACEHOLDER = "example-of-a-token"
_TOKENS_LAST = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Asker:
    """What is said about whoever asks.

    :ivar name: ``--as``; ``None`` with nothing else: nobody is logged in.
    :ivar groups: ``--groups``: in place of any others.
    :ivar claims: ``--claims``: as in an ID token.
    :ivar provider: ``--provider``: the ``[identity.NAME]`` that logged them in.
    """

    name: str | None = None
    groups: tuple[str, ...] | None = None
    claims: Mapping[str, Any] | None = None
    provider: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether nobody is logged in."""
        return self.name is None and self.groups is None and self.claims is None

    def signed_in(self, configured: Configured, instances: Mapping[str, Any], now: float) -> SignedIn | None:
        """Their login, ``None`` for nobody.

        :param instances: providers that were made, by name: those with ``find`` know their users.
        :raises ConfError: no such provider.
        """
        if self.anonymous:
            return None
        principal = self._known(instances) if self.claims is None else None
        if principal is not None:
            signed_in = SignedIn(principal)
        else:
            table = self._table(configured, instances)
            signed_in = SignedIn(self._described(table), _tokens(now))
        if self.groups is not None:
            signed_in = replace(signed_in, principal=replace(signed_in.principal, groups=self.groups))
        return signed_in

    def _known(self, instances: Mapping[str, Any]) -> Principal | None:
        """Somebody of a users file."""
        for name, instance in instances.items():
            if self.name is not None and hasattr(instance, "find") and self.provider in ("", name):
                found: Principal | None = instance.find(self.name)
                if found is not None:
                    return found
        return None

    def _table(self, configured: Configured, instances: Mapping[str, Any]) -> PluginTable | None:
        """The provider that would have logged them in: the one that is named, else the first that is no users file."""
        tables = configured.settings.identity
        if self.provider:
            for table in tables:
                if table.name == self.provider:
                    return table
            known = ", ".join(table.name for table in tables) or "none"
            raise ConfError([Problem("--provider", "", f"there is no [identity.{self.provider}]", f"there are {known}")])
        others = [table for table in tables if not hasattr(instances.get(table.name), "find")]
        return next(iter(others or tables), None)

    def _described(self, table: PluginTable | None) -> Principal:
        options = {} if table is None else table.options
        provider = "" if table is None else table.name
        claims = dict(self.claims or {})
        claims.setdefault("iss", options.get("issuer") or (f"{table.use}:{table.name}" if table is not None else "nobody"))
        claims.setdefault("sub", self.name or "somebody")
        return principal_of(claims, _mapping(provider, options))


def _mapping(provider: str, options: Mapping[str, Any]) -> ClaimsMapping:
    """How a provider's table maps claims (contract §2.1); another type's keys are not there, and the defaults hold."""
    groups = options.get("groups_claim", "groups")
    defaults = ClaimsMapping()
    return ClaimsMapping(
        provider=provider,
        groups=(groups,) if isinstance(groups, str) else tuple(groups),
        email=str(options.get("email_claim", defaults.email)),
        username=str(options.get("username_claim", defaults.username)),
        name=str(options.get("name_claim", defaults.name)),
        trust_email=options.get("trust_email") is True,
    )


def _tokens(now: float) -> Tokens:
    """A login at a provider brings tokens; what stands in them is nobody's to see, so these stand for them."""
    return Tokens(access=_PLACEHOLDER, id=_PLACEHOLDER, expires_at=now + _TOKENS_LAST, id_expires_at=now + _TOKENS_LAST)
