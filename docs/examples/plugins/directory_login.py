"""A form provider: asks the company's own directory service about name and password.

[identity.staff]
type = "directory"
url = "https://directory.example.com/check"
api_key_env = "DIRECTORY_KEY"
"""

from pydantic import BaseModel, SecretStr

from meshproxy.api import Principal, ProviderDown, hookimpl
from meshproxy.api.identity import BackChannelError


class DirectoryLogin:
    name = "directory"

    class Settings(BaseModel):
        url: str
        api_key: SecretStr

    def __init__(self, settings, context):
        self.settings = settings
        self.context = context

    async def verify(self, username, password):
        try:
            response = await self.context.http.post(
                self.settings.url,
                json={"username": username, "password": password},
                headers={"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"},
            )
        except BackChannelError as error:  # the directory is down: nobody's password is wrong
            raise ProviderDown(f"the directory: {error}") from error
        if response.code == 403:
            return None
        if response.code != 200:
            raise ProviderDown(f"the directory answered {response.code}")
        found = await response.json()
        return Principal(
            issuer=self.settings.url,
            subject=found["id"],
            username=username,
            name=found.get("name"),
            email=found.get("mail"),
            email_verified=True,
            groups=tuple(found.get("groups", ())),
            provider=self.context.name,
        )


@hookimpl
def meshproxy_identity_providers():
    return [DirectoryLogin]
