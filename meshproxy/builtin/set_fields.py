"""``fields``: any fields, by templates; for the service that no other rewriter knows."""

from __future__ import annotations

from pydantic import Field as Key

from meshproxy.api import Context, Field, FieldName, FieldWriter, Principal, TemplateText, ValueSettings, hookimpl, settings_of


class SetFields:
    """Sets the fields of ``set``, and takes those of ``remove`` out of what the browser sent."""

    name = "fields"
    managed_fields: tuple[bytes, ...] = ()

    class Settings(ValueSettings):
        """``set`` maps field names to templates."""

        set_: dict[FieldName, TemplateText] = Key(default_factory=dict, alias="set")
        remove: list[FieldName] = Key(default_factory=list)

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        self._wanted = tuple((name.encode(), template) for name, template in settings.set_.items())
        self._writer = FieldWriter(settings, context.log)
        self.managed_fields = tuple(name for name, _ in self._wanted)
        #: taken away from requests to this service, and from no other's: nothing of ours is ever in them
        self.stripped_fields = tuple(name.encode() for name in settings.remove)

    def identity_fields(self, principal: Principal) -> list[Field]:
        """One field for each template that has a value."""
        return self._writer.lines(self._wanted, principal)


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``fields``."""
    return [SetFields]
