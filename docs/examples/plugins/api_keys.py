"""A request provider: programs with an API key of their own in X-Api-Key.

[identity.programs]
type = "api-keys"
nightly = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bb822cd15d6c15b0f00a08"
"""

import hashlib
import hmac

from meshproxy.api import Principal, Rejected, hookimpl


class ApiKeys:
    name = "api-keys"
    consumes = [b"X-Api-Key"]  # the key was for meshproxy: no service gets it

    def __init__(self, settings, context):  # no Settings model: the rest of the table as a dict
        self.provider = context.name
        self.digests = {program: text.removeprefix("sha256:") for program, text in settings.items()}

    def authenticate(self, request, peer):
        keys = [value for name, value in request.head.fields if name.lower() == b"x-api-key"]
        if not keys:
            return None  # not mine: the next provider is asked, else the request is anonymous
        digest = hashlib.sha256(keys[0]).hexdigest()
        for program, known in self.digests.items():
            if hmac.compare_digest(digest, known):
                return Principal(issuer=f"api-keys:{self.provider}", subject=program, provider=self.provider)
        raise Rejected("unknown API key")  # mine, and wrong: 401


@hookimpl
def meshproxy_identity_providers():
    return [ApiKeys]
