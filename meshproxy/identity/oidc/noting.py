"""What was asked in a login, and what came back? One step of the attempt's report for each question, with its time.

The rule: a step names endpoints, error codes, names of claims and the provider's own words, which were cleaned where they were read; never
a token, never a claim's value. What is no error of ours is told by its kind alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime

from ...api.errors import LoginFailed
from ...core.jws import TokenInvalid
from ...core.provider_metadata import Metadata
from ..backchannel import BackChannelError
from .tokens import TokenAnswer, TokenRefused

T = TypeVar("T")
_SPOKEN = (LoginFailed, TokenRefused, TokenInvalid, BackChannelError)
_MOST_NAMES = 30


class Noting:
    """Notes what happens in one attempt.

    :param note: of the :class:`~meshproxy.api.Attempt`.
    """

    def __init__(self, note: Callable[[str], None], clock: IReactorTime) -> None:
        self._note = note
        self._seconds = clock.seconds

    async def step(self, what: str, asking: Awaitable[T], said: Callable[[T], str]) -> T:
        """Wait for an answer and note it, or why there is none; what is raised is raised on."""
        began = self._seconds()
        try:
            found = await asking
        except CancelledError:
            self._tell(what, "no answer in the time that a login has", began)
            raise
        except Exception as error:
            self._tell(what, str(error) if isinstance(error, _SPOKEN) else f"broke ({type(error).__name__})", began)
            raise
        self._tell(what, said(found), began)
        return found

    def _tell(self, what: str, words: str, began: float) -> None:
        self._note(f"{what}: {words} ({(self._seconds() - began) * 1000:.0f} ms)")


def of_metadata(metadata: Metadata) -> str:
    """Which issuer, and where the code will be spent."""
    return f"issuer {metadata.issuer}, token endpoint {metadata.token_endpoint}"


def of_tokens(answer: TokenAnswer) -> str:
    """Which tokens came, and how long they live."""
    kinds = ["access token", *(["ID token"] if answer.id else []), *(["refresh token"] if answer.refresh else [])]
    lifetime = "" if answer.lifetime is None else f", for {answer.lifetime:g} s"
    return f"gave {', '.join(kinds)}{lifetime}"


def of_claims(now: Callable[[], float]) -> Callable[[Mapping[str, Any]], str]:
    """Which claims an ID token has, and what the provider's clock shows against ours."""

    def told(claims: Mapping[str, Any]) -> str:
        issued = claims.get("iat")
        age = f", signed {now() - issued:.0f} s ago by our clock" if isinstance(issued, int | float) else ""
        return f"holds, with {_names(claims)}{age}"

    return told


def of_userinfo(claims: Mapping[str, Any]) -> str:
    """What userinfo added."""
    return f"says {_names(claims)}" if claims else "not needed, or of no use"


def _names(claims: Mapping[str, Any]) -> str:
    names = sorted(map(str, claims))
    return ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
