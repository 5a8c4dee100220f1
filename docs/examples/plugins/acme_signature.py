"""A header rewriter with everything: settings, a secret, templates, a time limit, a look at every request.

[[rewrite]]
use = "acme-signature"
key_file = "secrets/acme-key"
who = "{username}"
lifetime = "5m"
"""

import hashlib
import hmac

from pydantic import SecretStr

from meshproxy.api import Duration, FieldWriter, IdentityFields, RequestHead, Template, TemplateText, ValueSettings, hookimpl


class AcmeSignature:
    name = "acme-signature"
    managed_fields = [b"X-Acme-Who", b"X-Acme-Until", b"X-Acme-Signature", b"X-Acme-Action"]
    needs_tokens = False  # token_fields looks at the time, not at the provider's tokens

    class Settings(ValueSettings):  # brings `encoding` and `separator`
        key: SecretStr  # may be given as key, key_file or key_env
        who: TemplateText = Template("{email}")
        lifetime: Duration = 300.0

    def __init__(self, settings, context):
        self.settings = settings
        self.key = settings.key.get_secret_value().encode()
        self.writer = FieldWriter(settings, context.log)
        self.seconds = context.reactor.seconds

    def token_fields(self, signed_in):
        who = self.writer.value(self.settings.who, signed_in.principal)
        if who is None:
            return IdentityFields([])
        until = self.seconds() + self.settings.lifetime
        stamp = b"%d" % until
        signature = hmac.digest(self.key, who + b" " + stamp, hashlib.sha256).hex().encode()
        fields = [(b"X-Acme-Who", who), (b"X-Acme-Until", stamp), (b"X-Acme-Signature", signature)]
        return IdentityFields(fields, valid_until=until - self.settings.lifetime / 2)  # renewed well before the service refuses it

    def rewrite_request(self, head, principal):
        action = b"read" if head.method in (b"GET", b"HEAD") else b"write"
        return RequestHead(head.method, head.target, (*head.fields, (b"X-Acme-Action", action)))


@hookimpl
def meshproxy_header_rewriters():
    return [AcmeSignature]
