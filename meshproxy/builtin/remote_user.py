"""``remote-user``: Remote-User, -Groups, -Name and -Email, as Authelia sends them."""

from __future__ import annotations

from meshproxy.api import Context, Field, FieldWriter, Principal, Template, TemplateText, ValueSettings, hookimpl, settings_of


class RemoteUser:
    """Tells a service who is there in the fields that trusted-header single sign-on usually has."""

    name = "remote-user"
    managed_fields = (b"Remote-User", b"Remote-Groups", b"Remote-Name", b"Remote-Email")

    class Settings(ValueSettings):
        """``user`` is what Remote-User says."""

        user: TemplateText = Template("{email}")

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        texts = (settings.user, Template("{groups}"), Template("{name}"), Template("{email}"))
        self._wanted = tuple(zip(self.managed_fields, texts, strict=True))
        self._writer = FieldWriter(settings, context.log)

    def identity_fields(self, principal: Principal) -> list[Field]:
        """One field for each value that there is."""
        return self._writer.lines(self._wanted, principal)


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``remote-user``."""
    return [RemoteUser]
