"""Through which door do plugins come in? Four registration hooks, called once at start-up.

pluggy can neither await nor isolate one plugin's failure from the next, so the hooks only *register* classes; what the classes do is
said by the zope interfaces of :mod:`meshproxy.api`.
"""

from __future__ import annotations

import pluggy

hookspec = pluggy.HookspecMarker("meshproxy")


@hookspec
def meshproxy_identity_providers():
    """Classes that satisfy one of ``IFormProvider``, ``IRequestProvider``, ``IRedirectProvider``; used by ``[identity.NAME] type``."""


@hookspec
def meshproxy_header_rewriters():
    """Classes that satisfy ``IHeaderRewriter``; used by ``[[rewrite]] use``."""


@hookspec
def meshproxy_audit_loggers():
    """Classes that satisfy ``IAuditLogger``; used by ``[audit.NAME] type``."""


@hookspec
def meshproxy_session_stores():
    """Classes that satisfy ``ISessionStore``; used by ``[session] store``."""
