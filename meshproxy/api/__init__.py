"""Everything a plugin author imports: interfaces, values, ``hookimpl`` and what providers need.

A plugin is one Python file in ``conf/plugins/`` or a package with an entry point in group ``meshproxy``. It registers
classes through the four hooks (:mod:`meshproxy.hookspecs`); meshproxy makes an instance for each table that uses one.
The plugins that meshproxy ships (:mod:`meshproxy.builtin`) import nothing of it but this module: there is no private door.

"Waits" below means: the method may return its value, a coroutine or a Deferred.
"""

from __future__ import annotations

import pluggy
from zope.interface import Attribute, Interface

from ..config.units import Duration, Size
from ..core.heads import Answer, Field, RequestHead, ResponseHead
from ..core.peer import Peer
from ..core.principal import Authenticated, Principal, SignedIn, Tokens
from ..identity.users_file import User, UsersFile
from ..problems import ConfError, Problem
from .context import Attempt, Context, IncomingRequest
from .errors import LoginFailed, ProviderDown, Refused, Rejected, SessionOver, StoreDown, TokenNeeded
from .fields import IdentityFields
from .lines import LineWriter, line_writer
from .values import (
    Encoding,
    FieldName,
    FieldWriter,
    Template,
    TemplateText,
    ValueSettings,
    encode_value,
    settings_of,
    values,
)

hookimpl = pluggy.HookimplMarker("meshproxy")


class INamed(Interface):
    """What every plugin class has."""

    name = Attribute("The name that conf files use: ``use = NAME`` of a rewrite, ``type = NAME`` of the others.")


class IHeaderRewriter(INamed):
    """Tells a service who is there. At least one method; of ``identity_fields`` and ``token_fields`` at most one."""

    managed_fields = Attribute(
        "The field names it sets, as a list of bytes: stripped from every browser's request, aliases too "
        "(case, ``-``/``_``/``.``). An instance may compute it from its settings in ``__init__``. "
        "Optional beside it: ``stripped_fields``, names that are only taken away, from requests to this service alone; "
        "``needs_tokens = False`` on a rewriter whose ``token_fields`` looks at the time and not at the tokens."
    )


class IIdentityFields(IHeaderRewriter):
    """Optional method: fields that depend on the principal alone."""

    def identity_fields(principal):
        """``list[(bytes, bytes)]``; pure in the principal: computed once a session and after each refresh."""


class ITokenFields(IHeaderRewriter):
    """Optional method: fields that depend on tokens or on time."""

    def token_fields(signed_in):
        """:class:`IdentityFields`: computed anew at its ``valid_until`` too; raises :class:`TokenNeeded` when a token has ended."""


class IRequestRewriter(IHeaderRewriter):
    """Optional method: changes the head of every request."""

    def rewrite_request(head, principal):
        """Return a :class:`RequestHead`; called after the strip, before Host and framing are set, which it cannot touch."""


class IResponseRewriter(IHeaderRewriter):
    """Optional method: changes the head of every response."""

    def rewrite_response(head, principal):
        """Return a :class:`ResponseHead`; framing and our cookies it cannot touch."""


class IFormProvider(INamed):
    """Logs people in by a form of meshproxy's own."""

    def verify(username, password):
        """:class:`Principal`, or ``None`` when the pair is wrong (waits)."""


class IKnowsPeople(INamed):
    """Optional method of any identity provider: it has the people at hand, and can say at once who is still there."""

    def current(principal):
        """The principal as they are now, or ``None`` when they are gone: asked when a session is read, and after a reload."""


class IRequestProvider(INamed):
    """Finds out from the request itself who is asking: a bearer token, a mesh peer."""

    def authenticate(request, peer):
        """:class:`Authenticated` (or a bare :class:`Principal`); ``None``: not mine; raises :class:`Rejected` (waits).

        ``request`` is an :class:`IncomingRequest`, ``peer`` a :class:`Peer`. A class attribute ``consumes`` names the fields that
        carried the identity and therefore go to no service; default ``[b"Authorization"]``.
        """


class IRedirectProvider(INamed):
    """Logs people in at another site: OpenID Connect and its relatives.

    What it may do besides: :class:`IRenews`, :class:`IEndsSession`, :class:`IRevokes`, :class:`IBackchannelLogout`.
    """

    def begin(attempt):
        """The URL to send the browser to (waits). ``attempt`` is an :class:`Attempt`."""

    def finish(attempt, parameters):
        """:class:`SignedIn` from the callback's parameters, a ``dict[str, str]`` (waits); raises :class:`LoginFailed`."""


class IRenews(IRedirectProvider):
    """Optional method: new tokens, and who the person is by now."""

    def renew(signed_in):
        """:class:`SignedIn` (waits); raises :class:`SessionOver` to end the session, any other error is transient."""


class IEndsSession(IRedirectProvider):
    """Optional method: logout at the provider (OpenID Connect RP-Initiated Logout)."""

    def end_session_url(signed_in, return_to):
        """The URL to send the browser to, or ``None`` when the provider has none."""


class IRevokes(IRedirectProvider):
    """Optional method: the tokens are not needed any more (RFC 7009)."""

    def revoke(signed_in):
        """Tell the provider (waits); failing does not matter."""


class IBackchannelLogout(IRedirectProvider):
    """Optional method: the provider tells us that sessions ended (OpenID Connect Back-Channel Logout)."""

    def backchannel_logout(form):
        """``list[(issuer, sid or subject)]`` of what is to end (waits); raises :class:`Rejected` for a form that proves nothing."""


class IAuditLogger(INamed):
    """Keeps the audit trail."""

    def record(event):
        """Keep the event, a dict as in the contract's §6 (waits). It is recorded once this came back."""


class ISessionStore(INamed):
    """Keeps sealed sessions. All methods wait and raise :class:`StoreDown` when the store cannot answer."""

    def load(key):
        """``(value, version)`` or ``None``."""

    def save(key, value, expires_at, tags, if_version=None):
        """Keep ``value`` (bytes) until ``expires_at``, findable by ``tags``; with ``if_version`` only if the stored version is that one
        (0: only if there is none). ``bool``: whether it was written. The new version is the old one plus one.
        """

    def delete(key):
        """Forget it; nothing happens when it is not there."""

    def find(tag=None):
        """The keys that carry the tag (``None``: all of them)."""

    def lock(key, seconds):
        """A token, or ``None`` when somebody else holds it; it lapses after ``seconds``."""

    def unlock(key, token):
        """Give it back; nothing happens when the token is not the holder's."""


__all__ = [
    "Answer", "Attempt", "Authenticated", "ConfError", "Context", "Duration", "Encoding", "Field", "FieldName", "FieldWriter",
    "IAuditLogger", "IBackchannelLogout", "IEndsSession", "IFormProvider", "IHeaderRewriter", "IIdentityFields", "IKnowsPeople", "INamed",
    "IRedirectProvider", "IRenews", "IRequestProvider", "IRequestRewriter", "IResponseRewriter", "IRevokes", "ISessionStore",
    "ITokenFields", "IdentityFields", "IncomingRequest", "LineWriter", "LoginFailed", "Peer", "Principal", "Problem", "ProviderDown",
    "Refused", "Rejected", "RequestHead", "ResponseHead", "SessionOver", "SignedIn", "Size", "StoreDown", "Template", "TemplateText",
    "TokenNeeded", "Tokens", "User", "UsersFile", "ValueSettings", "encode_value", "hookimpl", "line_writer", "settings_of", "values",
]
