"""What can the command line ask of a running meshproxy? Sessions, login attempts, recorded requests: one function a question.

The rule: answers hold what may be shown to an operator: handles and names, never a cookie, a token or a code of a provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .api.errors import StoreDown
from .control import ControlError, Handler
from .sessions.ending import CannotList

if TYPE_CHECKING:
    from .observe.inspector import Inspector
    from .observe.login_reports import LoginReports
    from .sessions.manager import Sessions

_BY_AN_OPERATOR = "revoked by an operator"


def handlers(sessions: Sessions, inspector: Inspector, logins: LoginReports) -> Mapping[str, Handler]:
    """The handlers of a :class:`~meshproxy.control.ControlServer`."""
    return {
        "sessions.list": _Sessions(sessions).list,
        "sessions.revoke": _Sessions(sessions).revoke,
        "login-report": _LoginReport(logins),
        "request": _Request(inspector),
    }


class _Sessions:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, question: Mapping[str, Any]) -> Any:
        """``subject`` (optional)."""
        try:
            return {"sessions": [asdict(one) for one in await self._sessions.list(_text(question, "subject") or None)]}
        except CannotList as error:
            raise ControlError(str(error)) from None
        except StoreDown as error:
            raise ControlError(f"the session store is down: {error}") from None

    async def revoke(self, question: Mapping[str, Any]) -> Any:
        """``id``, ``subject`` or ``all``: how many were known, in this process and the store."""
        try:
            if question.get("all") is True:
                return {"revoked": await self._sessions.revoke_all(_BY_AN_OPERATOR)}
            if subject := _text(question, "subject"):
                return {"revoked": await self._sessions.revoke_subject(subject, _BY_AN_OPERATOR)}
            if handle := _text(question, "id"):
                return {"revoked": int(await self._sessions.revoke(handle, _BY_AN_OPERATOR))}
        except StoreDown as error:
            raise ControlError(f"the session store is down: {error}") from None
        raise ControlError("whose session: an id, a subject or all")


class _LoginReport:
    def __init__(self, logins: LoginReports) -> None:
        self._logins = logins

    async def __call__(self, question: Mapping[str, Any]) -> Any:
        """``code``: the attempt's steps."""
        code = _text(question, "code")
        steps = self._logins.find(code)
        if steps is None:
            raise ControlError(f"no login attempt {code!r} is known: it is too long ago, or was another meshproxy's")
        return {"code": code, "steps": steps}


class _Request:
    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def __call__(self, question: Mapping[str, Any]) -> Any:
        """``id``: one recorded request."""
        record = self._inspector.find(_text(question, "id"))
        if record is None:
            raise ControlError("no such request is recorded: it is too long ago, was left out under load, or was another meshproxy's")
        return record.as_dict()


def _text(question: Mapping[str, Any], key: str) -> str:
    value = question.get(key)
    return value if isinstance(value, str) else ""
