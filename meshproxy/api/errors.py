"""How does a plugin say no? The errors that mean something to meshproxy; every other one is a fault of the plugin."""

from __future__ import annotations


class Refused(Exception):
    """Raised by a rewriter: this principal may not be told to this service. 403, the text to operators and the log."""


class TokenNeeded(Exception):
    """Raised by a rewriter's ``token_fields``: the token that the service wants has ended. As without a session: login, or 401."""


class Rejected(Exception):
    """Raised by a request provider: the credentials are ours to judge, and wrong. 401, the text to operators and the log."""


class LoginFailed(Exception):
    """Raised by a redirect provider: the login ends here.

    :param reason: for the operator's log and the login report; never a secret.
    :param message: for the person, in their words; a general sentence when empty.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


class ProviderDown(LoginFailed):
    """The identity provider does not answer, or not sensibly. 503, try again; no session is touched."""


class SessionOver(Exception):
    """Raised by ``renew``: the provider says that the session is over (``invalid_grant``, another subject)."""


class StoreDown(Exception):
    """The session store cannot answer. 503 with ``Retry-After``; nobody is logged out."""
