"""A header rewriter: tells ACME's legacy tools who is there ([[rewrite]] use = "acme-user")."""

from meshproxy.api import hookimpl


class AcmeUser:
    name = "acme-user"
    managed_fields = [b"X-Acme-User"]

    def __init__(self, settings, context):
        self.settings = settings

    def identity_fields(self, principal):
        return [(b"X-Acme-User", principal.subject.encode())]


@hookimpl
def meshproxy_header_rewriters():
    return [AcmeUser]
