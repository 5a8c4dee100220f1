"""What do meshproxy's own pages work with? Everything they are given, in one value, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...core.places import Origin

if TYPE_CHECKING:
    from ...settings import ServiceSettings, Settings
    from ..authorizing import Asked, Ruling
    from ..pages import Pages


class Directory(Protocol):
    """The services, as far as pages show them."""

    def services(self) -> Iterable[ServiceSettings]:
        """All of them."""

    def url(self, service: ServiceSettings) -> str:
        """Where a browser opens it."""


class Audit(Protocol):
    """Where events go (contract §6)."""

    def __call__(self, event: str, *, arrival: Any = None, principal: Any = None, reason: str = "", **more: object) -> None:
        """Something happened."""


def no_keys() -> Mapping[str, object]:
    """The key set of a configuration that signs nothing."""
    return {"keys": []}


@dataclass(frozen=True, slots=True)
class OwnParts:
    """What the endpoints under ``/_meshproxy/`` share.

    :ivar sessions: :class:`meshproxy.sessions.manager.Sessions`; ``attempts`` and ``handoff`` are its siblings.
    :ivar providers: the instances of ``[identity.NAME]``, by name, in the order of the conf file.
    :ivar shared: what must hold once, everywhere (:class:`meshproxy.sessions.shared_state.SharedState`).
    :ivar clock: the reactor: ``seconds()`` are seconds since the epoch.
    :ivar random: bytes that nobody can guess.
    :ivar jwks: the public keys that services may verify assertions with (RFC 7517).
    :ivar authorize: what the gateway would say about a request that somebody else forwards
        (:class:`meshproxy.web.authorizing.Authorizer`); without it ``/_meshproxy/auth`` lets nothing pass.
    :ivar inspector: :class:`meshproxy.observe.inspector.Inspector`; without it there is no such page.
    :ivar logins: what keeps the steps of login attempts: ``step(code, words, now)``.
    """

    settings: Settings
    pages: Pages
    sessions: Any
    attempts: Any
    handoff: Any
    providers: Mapping[str, Any]
    shared: Any
    directory: Directory
    audit: Audit
    clock: Any
    random: Callable[[int], bytes] = os.urandom
    jwks: Callable[[], Mapping[str, object]] = no_keys
    authorize: Callable[[Asked], Awaitable[Ruling]] | None = None
    inspector: Any = None
    logins: Any = None

    @property
    def public(self) -> Origin:
        """The origin of ``public_url``, where people log in."""
        return self.settings.public_url

    def origin_of(self, host: str) -> Origin:
        """The public origin of one of our hosts."""
        return Origin(self.public.scheme, host, self.public.port)

    def login_providers(self) -> dict[str, Any]:
        """The providers that a person can log in by, by name: with a form of ours, or at another site."""
        return {name: one for name, one in self.providers.items() if is_form(one) or is_redirect(one)}

    def title_of(self, name: str) -> str:
        """How a provider is called on pages."""
        return str(getattr(self.providers.get(name), "title", "") or name)


def is_form(provider: Any) -> bool:
    """Whether it is asked with a user name and a password (:class:`meshproxy.api.IFormProvider`)."""
    return hasattr(provider, "verify")


def is_redirect(provider: Any) -> bool:
    """Whether it logs people in at its own site (:class:`meshproxy.api.IRedirectProvider`)."""
    return hasattr(provider, "begin") and hasattr(provider, "finish")
