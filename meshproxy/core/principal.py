"""Who is asking? A principal, known by issuer and subject and by nothing else.

E-mail addresses and names are attributes: they change hands. Only the pair (issuer, subject) is a stable key
(OpenID Connect Core §5.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or program that an identity provider vouches for.

    :ivar issuer: who says so: the issuer of an OpenID provider, ``users:NAME`` for a users file, ``mesh``.
    :ivar subject: the issuer's own stable name for the principal.
    :ivar email: an e-mail address as the provider gave it; see :meth:`trusted_email` before using it for access.
    :ivar name: the display name.
    :ivar username: the short login name (``preferred_username``).
    :ivar groups: the groups that this provider says the principal is in.
    :ivar provider: the name of the ``[identity.NAME]`` table that authenticated the principal.
    :ivar email_verified: whether the provider vouches for the address (or is trusted to: ``trust_email``).
    :ivar claims: every claim of the ID token and of userinfo, for rewriters and access rules.
    """

    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    username: str | None = None
    groups: tuple[str, ...] = ()
    provider: str = ""
    email_verified: bool = False
    claims: Mapping[str, object] = field(default_factory=dict)

    @property
    def trusted_email(self) -> str | None:
        """The e-mail address if the provider vouches for it, else ``None``: an unverified one counts as missing."""
        return self.email if self.email_verified and self.email else None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an identity provider gave beside the principal. Never logged, never shown.

    :ivar access: the access token.
    :ivar id: the ID token as it came (a JWT).
    :ivar refresh: the refresh token.
    :ivar expires_at: when the access token ends, seconds since the epoch; ``None`` when the provider did not say.
    :ivar id_expires_at: when the ID token ends.
    :ivar scope: the granted scope, space-separated.
    """

    access: str | None = None
    id: str | None = None
    refresh: str | None = None
    expires_at: float | None = None
    id_expires_at: float | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        """Names what is there, never its value: a repr ends up in logs."""
        present = [name for name in ("access", "id", "refresh") if getattr(self, name)]
        return f"<Tokens {' '.join(present) or 'none'} expires_at={self.expires_at}>"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished login: the principal, their tokens, when it ends and what the provider calls the session.

    :ivar expires_at: when the provider wants the login itself to end (seconds since the epoch), else ``None``.
    :ivar provider_session: the provider's session id (``sid``), for back-channel logout.
    :ivar auth_time: when the person actually authenticated at the provider, if it said.
    """

    principal: Principal
    tokens: Tokens | None = None
    expires_at: float | None = None
    provider_session: str | None = None
    auth_time: float | None = None


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What a request provider found: a principal that holds for this request (and until ``expires_at``)."""

    principal: Principal
    expires_at: float | None = None
    tokens: Tokens | None = None
