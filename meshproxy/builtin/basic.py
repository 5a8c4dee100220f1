"""``basic``: ``Authorization: Basic``, for services that know nothing else (RFC 7617)."""

from __future__ import annotations

import base64

from pydantic import BaseModel, ConfigDict, SecretStr

from meshproxy.api import Context, Field, Principal, Refused, Template, TemplateText, hookimpl, settings_of


class Basic:
    """Says ``user`` and one password that the service shares with meshproxy."""

    name = "basic"
    managed_fields = (b"Authorization",)

    class Settings(BaseModel):
        """``user`` may be fixed text: then everybody is the same to the service."""

        model_config = ConfigDict(frozen=True)

        user: TemplateText = Template("{email}")
        password: SecretStr

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        self._user = settings.user
        self._password = settings.password.get_secret_value().encode()

    def identity_fields(self, principal: Principal) -> list[Field]:
        """Nothing for a principal without a user name."""
        user = self._user.render(principal)
        if user is None:
            return []
        if ":" in user:  # RFC 7617 §2: the first colon ends the user-id, so the rest would count as the password
            raise Refused("a user name with a colon cannot be told by Basic authentication")
        return [(b"Authorization", b"Basic " + base64.b64encode(user.encode() + b":" + self._password))]


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``basic``."""
    return [Basic]
