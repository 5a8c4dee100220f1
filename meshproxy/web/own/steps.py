"""What will an operator read about this login attempt? Its steps, kept under its short code for ``meshproxy login-report``.

The rule: what stands here was cleaned here. Providers put into their words what they were sent, so what was secret in this attempt (its
state, nonce, verifier, the code that came back) is cut out of them, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from ...core.provider_text import sanitised

if TYPE_CHECKING:
    from ...api.context import Attempt
    from .parts import OwnParts

_LONGEST = 400
_SHORTEST_SECRET = 6
_log = Logger()


class Steps:
    """The steps of one attempt, as far as one request leads it.

    :param also: what is secret beside the attempt's own values.
    """

    def __init__(self, parts: OwnParts, code: str, attempt: Attempt | None = None, also: Iterable[str] = ()) -> None:
        own = () if attempt is None else (attempt.state, attempt.nonce, attempt.code_verifier)
        self._parts = parts
        self._code = code
        # the longest first: one may be the beginning of another
        self._secrets = sorted((text for text in (*own, *also) if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)

    def note(self, words: str) -> None:
        """One more step."""
        text = self.cleaned(words)
        _log.debug("login {code}: {words}", code=self._code, words=text)
        if self._parts.logins is not None:
            self._parts.logins.step(self._code, text, self._parts.clock.seconds())

    def cleaned(self, words: object) -> str:
        """One line without this attempt's secrets, not too long."""
        text = words if isinstance(words, str) else ""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return sanitised(text, _LONGEST)
