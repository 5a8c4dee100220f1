"""How does a login end on both sides? RP-initiated logout, revocation (RFC 7009), and logouts that begin at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_urlsafe

from ...core.logout_token import LogoutToken
from ...core.provider_metadata import Metadata
from ..backchannel import BackChannel
from .client_auth import ClientAuth
from .login import with_query

LONGEST_HINT = 4096
REVOKE_FOR = 2.0
MOST_REMEMBERED = 10_000


def end_session_url(
    endpoint: str, client_id: str, id_token: str | None, return_to: str, *, return_parameter: str = "post_logout_redirect_uri"
) -> str:
    """Where a browser goes to log out at the provider too (RP-Initiated Logout 1.0 §2).

    An ID token that would make the URL too long for servers on the way is left out: ``client_id`` says whose logout it is.
    ``state`` is there because some providers want one; nothing depends on its coming back.
    """
    parameters = {"client_id": client_id, return_parameter: return_to, "state": token_urlsafe(12)}
    if id_token and len(id_token) <= LONGEST_HINT:
        parameters["id_token_hint"] = id_token
    return with_query(endpoint, parameters)


async def revoke_token(http: BackChannel, metadata: Metadata, auth: ClientAuth, token: str, hint: str, now: float) -> bool:
    """Tell the provider that a token is not needed any more (RFC 7009 §2.1). Whether it said yes.

    :raises BackChannelError: it could not be asked.
    """
    form, headers = auth.apply(
        {"token": token, "token_type_hint": hint}, audience=metadata.issuer, offered=metadata.token_endpoint_auth_methods, now=now
    )
    status, _, _ = await http.post_form(metadata.revocation_endpoint, form, headers)
    return status == 200


def only_token(form: Mapping[str, object]) -> str | None:
    """The ``logout_token`` of a back-channel logout request (Back-Channel Logout §2.5): exactly one value, else ``None``.

    :param form: values as strings, or as lists of them.
    """
    value = form.get("logout_token")
    if isinstance(value, (list, tuple)):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value if isinstance(value, str) and value else None


class Replays:
    """Logout tokens that came already, for as long as they would pass again (§2.6, last step). Bounded: the oldest give way."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}

    def first_time(self, token: LogoutToken, now: float) -> bool:
        """Whether this token comes for the first time."""
        key = (token.issuer, token.jti)
        if self._seen.get(key, 0.0) > now:
            return False
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen = {known: until for known, until in self._seen.items() if until > now}
        while len(self._seen) >= MOST_REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        self._seen[key] = token.remembered_until
        return True


def whose(token: LogoutToken, sessions_named: bool) -> str:
    """The ``sid`` or the subject whose sessions end.

    Where a provider puts ``sid`` into its ID tokens (``backchannel_logout_session_supported``) that one session ends, else every session
    of the person.
    """
    name = token.sid if token.sid is not None and (sessions_named or token.subject is None) else token.subject
    return name or ""
