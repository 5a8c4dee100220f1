"""How do a parent and its worker speak? JSON over a socket pair: questions that are answered, and remarks that are not.

The rule: a question always ends: with the other side's answer, with what the other side could not do, with silence after its time, or
with the end of the link. Messages are handled in the order in which they were sent. Nothing here outlives the link.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail, maybeDeferred
from twisted.logger import Logger
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from ..api.errors import StoreDown

ANSWER_WITHIN = 10.0
"""Seconds for the usual question."""

Handler = Callable[..., Any]
"""Takes what the question is about by name; returns what JSON can carry, or a Deferred or coroutine of it."""


class Unanswered(Exception):
    """The other process could not answer: it failed, it is gone, or it takes too long."""


class Link(Int32StringReceiver):
    """One end of the link.

    :param clock: the reactor, for the time that answers may take.
    :param handlers: what this side answers, by name; may grow while it runs.
    :param lost: called once when the link has ended, whoever ended it.
    :ivar congested: the other side does not keep up with what was sent: say less.
    """

    MAX_LENGTH = 256 * 1024 * 1024  # every revocation that there may be, at once
    log = Logger()

    def __init__(self, clock: Any, handlers: Mapping[str, Handler], lost: Callable[[], None]) -> None:
        self._clock = clock
        self._handlers = handlers
        self._lost = lost
        self._asked = 0
        self._open: dict[int, Deferred[Any]] = {}
        self.congested = False

    # ---------------------------------------------------------------- what this side says

    def ask(self, name: str, /, *, within: float = ANSWER_WITHIN, **about: Any) -> Deferred[Any]:
        """Ask the other side. Fails with :class:`StoreDown` where that is what happened there, else with :class:`Unanswered`."""
        if not self.connected:
            return fail(Unanswered(f"{name}: the other process is gone"))
        self._asked += 1
        number = self._asked
        answer: Deferred[Any] = Deferred(lambda _: self._forget(number))
        self._open[number] = answer
        self._send({"ask": name, "number": number, "about": about})
        return answer.addTimeout(within, self._clock).addErrback(_too_long, name, within)

    def tell(self, name: str, /, **about: Any) -> None:
        """Say something that needs no answer; nobody hears it when the link has ended."""
        if self.connected:
            self._send({"tell": name, "about": about})

    def close(self) -> None:
        """End the link, after what was said."""
        if self.connected and self.transport is not None:
            self.transport.loseConnection()

    def _forget(self, number: int) -> None:
        self._open.pop(number, None)

    def _send(self, message: dict[str, Any]) -> None:
        self.sendString(json.dumps(message, separators=(",", ":")).encode("ascii"))

    # ---------------------------------------------------------------- what the other side says

    def stringReceived(self, string: bytes) -> None:
        """See :class:`twisted.protocols.basic.IntNStringReceiver`."""
        message = json.loads(string)
        if "answer" in message:
            self._answered(message)
            return
        name = message.get("ask") or message["tell"]
        done = maybeDeferred(self._handle, name, message["about"])
        number = message.get("number")
        if number is None:
            done.addErrback(self._not_handled, name)
        else:
            done.addCallback(lambda result: self._reply({"answer": number, "is": result}))
            done.addErrback(self._cannot_answer, number, name)

    def _handle(self, name: str, about: dict[str, Any]) -> Any:
        result = self._handlers[name](**about)
        return Deferred.fromCoroutine(result) if hasattr(result, "send") else result

    def _reply(self, message: dict[str, Any]) -> None:
        if self.connected:
            self._send(message)

    def _cannot_answer(self, failure: Failure, number: int, name: str) -> None:
        if failure.check(StoreDown):
            self._reply({"answer": number, "down": str(failure.value)})
            return
        self._not_handled(failure, name)
        self._reply({"answer": number, "failed": f"{name}: {failure.type.__name__}" if failure.type else name})

    def _not_handled(self, failure: Failure, name: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("{name} failed", failure, name=name)

    def _answered(self, message: dict[str, Any]) -> None:
        answer = self._open.pop(message["answer"], None)
        if answer is None:
            return  # it came too late
        if "is" in message:
            answer.callback(message["is"])
        elif "down" in message:
            answer.errback(StoreDown(message["down"]))
        else:
            answer.errback(Unanswered(message["failed"]))

    # ---------------------------------------------------------------- the link itself

    def connectionMade(self) -> None:
        """Learn when the other side does not keep up."""
        transport: Any = self.transport
        transport.registerProducer(self, True)

    def connectionLost(self, reason: Failure | None = None) -> None:  # type: ignore[override]
        """Whatever was open stays without an answer."""
        self.connected = 0
        unanswered, self._open = self._open, {}
        for answer in unanswered.values():
            answer.errback(Unanswered("the other process is gone"))
        self._lost()

    def pauseProducing(self) -> None:
        """The other side does not keep up."""
        self.congested = True

    def resumeProducing(self) -> None:
        """It does again."""
        self.congested = False

    def stopProducing(self) -> None:
        """The link is ending: :meth:`connectionLost` says so."""


def _too_long(failure: Failure, name: str, within: float) -> Failure:
    if failure.check(TimeoutError):
        raise Unanswered(f"{name}: no answer within {within:g} s")
    return failure
