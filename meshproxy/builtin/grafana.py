"""``grafana``: the X-WEBAUTH fields that Grafana's ``[auth.proxy]`` reads, with a role by group."""

from __future__ import annotations

from typing import Literal

from pydantic import Field as Key

from meshproxy.api import Context, Field, FieldWriter, Principal, Template, TemplateText, ValueSettings, hookimpl, settings_of

Role = Literal["GrafanaAdmin", "Admin", "Editor", "Viewer", "None"]


class Grafana:
    """Tells Grafana who is there: X-WEBAUTH-USER, -EMAIL, -NAME, -GROUPS, and -ROLE where a group gives one."""

    name = "grafana"
    managed_fields = (b"X-WEBAUTH-USER", b"X-WEBAUTH-EMAIL", b"X-WEBAUTH-NAME", b"X-WEBAUTH-GROUPS", b"X-WEBAUTH-ROLE")

    class Settings(ValueSettings):
        """``roles`` are tried in the order of the file; the first with a group of the principal's is sent."""

        user: TemplateText = Template("{email}")
        roles: dict[Role, list[str]] = Key(default_factory=dict)

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        texts = (settings.user, Template("{email}"), Template("{name}"), Template("{groups}"))
        self._wanted = tuple(zip(self.managed_fields[:4], texts, strict=True))
        self._roles = tuple((role.encode(), frozenset(groups)) for role, groups in settings.roles.items())
        self._writer = FieldWriter(settings, context.log)

    def identity_fields(self, principal: Principal) -> list[Field]:
        """One field for each value that there is, and the role."""
        fields = self._writer.lines(self._wanted, principal)
        role = next((role for role, groups in self._roles if not groups.isdisjoint(principal.groups)), None)
        return fields if role is None else [*fields, (b"X-WEBAUTH-ROLE", role)]


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``grafana``."""
    return [Grafana]
