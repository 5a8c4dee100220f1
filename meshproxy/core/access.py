"""May this principal enter? Any one rule met is enough; nobody enters where none is.

The rule: only what an identity provider vouches for counts. An address that it does not call verified is no address, a
group is its provider's (``providers`` narrows everything but ``public``), and nothing the browser says is asked.
:func:`judge` and :func:`steps` walk over the same checks, so ``explain`` shows what the request path does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from .claims import lookup
from .policy import AccessSettings
from .principal import Principal


@dataclass(frozen=True, slots=True)
class Allowed:
    """Enter. ``reason`` is the rule that was met: "group sre"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Stay out.

    :ivar reason: for people.
    :ivar needs: the groups any of which would do.
    :ivar login: nobody is there, and logging in could help.
    """

    reason: str
    needs: tuple[str, ...] = ()
    login: bool = False


class Operators(Protocol):
    """``[operators]`` as far as it is asked here."""

    @property
    def groups(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def emails(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def providers(self) -> tuple[str, ...]: ...  # noqa: D102


def judge(rule: AccessSettings, principal: Principal | None) -> Allowed | Denied:
    """Whether the principal (``None``: nobody is logged in) may enter, and why."""
    if rule.public:
        return Allowed("public")
    if principal is None:
        return Denied("nobody is logged in", rule.groups, login=True)
    if rule.providers and principal.provider not in rule.providers:
        return Denied(f"people of provider {principal.provider or 'unknown'} may not enter", rule.groups)
    for kind, value, met in _checks(rule, principal):
        if met:
            return Allowed(f"{kind} {value}" if value else kind)
    return Denied("no rule of the service's access lets this principal in", rule.groups)


def steps(rule: AccessSettings, principal: Principal | None) -> list[tuple[str, bool]]:
    """Every rule in words and whether it is met, in the order :func:`judge` asks them; it stops at the first one met."""
    if rule.public:
        return [("public", True)]
    told: list[tuple[str, bool]] = []
    if rule.providers:
        told.append((f"provider {' or '.join(rule.providers)}", principal is not None and principal.provider in rule.providers))
    told += [(f"{kind} {value}" if value else kind, met) for kind, value, met in _checks(rule, principal)]
    return told


def is_operator(operators: Operators, principal: Principal | None) -> bool:
    """Whether the principal sees diagnoses: by group or e-mail address; ``providers`` alone names nobody."""
    if principal is None or (operators.providers and principal.provider not in operators.providers):
        return False
    email = principal.trusted_email
    return any(group in principal.groups for group in operators.groups) or (
        email is not None and any(_lower(email) == _lower(one) for one in operators.emails)
    )


def _checks(rule: AccessSettings, principal: Principal | None) -> Iterator[tuple[str, str, bool]]:
    """Kind, value and whether it is met, of each rule."""
    if rule.authenticated:
        yield "authenticated", "", principal is not None
    groups = principal.groups if principal else ()
    for group in rule.groups:
        yield "group", group, group in groups
    email = _lower(principal.trusted_email or "") if principal else ""
    for address in rule.emails:
        yield "email", address, bool(email) and email == _lower(address)
    domain = email.rpartition("@")[2] if "@" in email else ""
    for one in rule.domains:
        yield "domain", one, bool(domain) and domain == _lower(one).removeprefix("@")
    for name, values in rule.claims.items():
        held = _claim_values(principal.claims, name) if principal else frozenset()
        for value in values:
            yield f"claim {name} =", value, value in held


def _lower(text: str) -> str:
    """ASCII's letters in lower case. A letter that only *becomes* ASCII (the Kelvin sign) must not pass for one."""
    return text.lower() if text.isascii() else text


def _claim_values(claims: Mapping[str, object], path: str) -> frozenset[str]:
    """What a claim holds: itself, or what its list contains, as text."""
    found = lookup(claims, path)
    values = found if isinstance(found, list | tuple) else (found,)
    return frozenset(filter(None, map(_text, values)))


def _text(value: object) -> str:
    """A claim's value as conf files write it. Objects and ``null`` equal nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
