"""``forwarded-user``: X-Forwarded-User, -Email, -Groups and -Preferred-Username, as oauth2-proxy sends them."""

from __future__ import annotations

from meshproxy.api import Context, Field, FieldWriter, Principal, Template, TemplateText, ValueSettings, hookimpl, settings_of


class ForwardedUser:
    """Tells a service who is there in the fields that oauth2-proxy made usual."""

    name = "forwarded-user"
    managed_fields = (b"X-Forwarded-User", b"X-Forwarded-Email", b"X-Forwarded-Groups", b"X-Forwarded-Preferred-Username")

    class Settings(ValueSettings):
        """``user`` is what X-Forwarded-User says."""

        user: TemplateText = Template("{email}")

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        texts = (settings.user, Template("{email}"), Template("{groups}"), Template("{username}"))
        self._wanted = tuple(zip(self.managed_fields, texts, strict=True))
        self._writer = FieldWriter(settings, context.log)

    def identity_fields(self, principal: Principal) -> list[Field]:
        """One field for each value that there is."""
        return self._writer.lines(self._wanted, principal)


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``forwarded-user``."""
    return [ForwardedUser]
