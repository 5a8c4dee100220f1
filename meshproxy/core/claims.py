"""Who is this, in our words? A provider's claims become a principal by the operator's mapping.

An e-mail address counts as verified only where the provider says so of that very address: ``email_verified`` is a statement about the
claim ``email`` and about nothing else, and a statement from userinfo is none about another address in the ID token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .principal import Principal

MOST_GROUPS = 5000
PROTOCOL_CLAIMS = frozenset(
    {"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "auth_time", "at_hash", "c_hash", "s_hash", "sid", "acr", "amr"}
)
_OF_NO_USE = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})


@dataclass(frozen=True, slots=True)
class ClaimsMapping:
    """Which claims mean what. Each is a path: dots lead into objects, and a name that has dots itself is found as well.

    :ivar provider: the name of the ``[identity.NAME]`` table.
    :ivar groups: the claims that hold groups; all of them count.
    :ivar trust_email: e-mail addresses count although the provider does not call them verified.
    """

    provider: str = ""
    groups: tuple[str, ...] = ("groups",)
    email: str = "email"
    username: str = "preferred_username"
    name: str = "name"
    trust_email: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The claims whose absence from the ID token makes it worth asking userinfo: those that decide about access."""
        return (*self.groups, self.email)


def lookup(claims: object, path: str) -> Any:
    """What stands at a dotted path, ``None`` when nothing does.

    Names may have dots themselves (``https://example.com/groups``, ``kubernetes.io``): at each level the longest name that is there wins.
    """
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    end = path.rfind(".")
    while end > 0:
        if path[:end] in claims:
            return lookup(claims[path[:end]], path[end + 1 :])
        end = path.rfind(".", 0, end)
    return None


def missing(claims: Mapping[str, Any], paths: Iterable[str]) -> tuple[str, ...]:
    """Those of the paths at which nothing stands."""
    return tuple(path for path in paths if lookup(claims, path) is None)


def text(value: object) -> str | None:
    """A non-empty string, else ``None``; of a list its first."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return value if isinstance(value, str) and value else None


def names(value: object) -> tuple[str, ...]:
    """A list of non-empty strings, each once, in order. One string is a list of one; whatever is no string is left out."""
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(dict.fromkeys(name for name in value[:MOST_GROUPS] if isinstance(name, str) and name))


def is_true(value: object) -> bool:
    """``true``, and the ``"true"`` that some providers send in its place."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def merged(id_claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """The ID token's claims and what userinfo adds to them. The ID token wins: it is signed and bound to this login.

    Claims of the protocol itself never come from userinfo, and ``email_verified`` only with the address that it speaks of.
    """
    added = {name: value for name, value in userinfo.items() if name not in PROTOCOL_CLAIMS}
    if "email" in id_claims and added.get("email") != id_claims["email"]:
        added.pop("email_verified", None)
    return {**added, **id_claims}


def refreshed(before: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """What was known at login, with what userinfo says now in its place. Claims of the protocol itself stay.

    An address that changed loses the old one's ``email_verified``.
    """
    kept = dict(before)
    if "email" in userinfo and userinfo["email"] != before.get("email"):
        kept.pop("email_verified", None)
    return {**kept, **{name: value for name, value in userinfo.items() if name not in PROTOCOL_CLAIMS}}


def principal_of(claims: Mapping[str, Any], mapping: ClaimsMapping, *, groups: Iterable[str] = ()) -> Principal:
    """The principal that the claims describe; ``iss`` and ``sub`` must have been checked.

    :param groups: further groups, from where a provider keeps them outside the claims.
    """
    email = text(lookup(claims, mapping.email))
    vouched = is_true(claims.get("email_verified")) and email is not None and email == claims.get("email")
    found = [name for path in mapping.groups for name in names(lookup(claims, path))]
    return Principal(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        email=email,
        name=text(lookup(claims, mapping.name)),
        username=text(lookup(claims, mapping.username)),
        groups=tuple(dict.fromkeys((*found, *groups))),
        provider=mapping.provider,
        email_verified=email is not None and (mapping.trust_email or vouched),
        claims={name: value for name, value in claims.items() if name not in _OF_NO_USE},
    )
