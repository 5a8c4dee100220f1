"""What does a running meshproxy say? The asking side of :mod:`meshproxy.control`, for the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from .control import ControlError, default_path, default_paths, why

LONGEST_ANSWER = 32 * 1024 * 1024
ANSWER_WITHIN = 15.0  # seconds
_CONNECT_WITHIN = 3.0


async def ask(reactor: Any, control: str, conf_dir: Path, name: str, **arguments: Any) -> Any:
    """Ask the meshproxy that runs with this conf directory.

    :param control: as in the settings: "" for the default place.
    :param name: what is asked; ``arguments`` are its handler's.
    :raises ControlError: nobody runs there, or it cannot answer.
    """
    paths = [Path(control)] if control else [path for path in default_paths(conf_dir) if path.exists()]
    refusal = f"there is no socket {default_path(conf_dir)}"
    for path in paths:
        try:
            asking = await connectProtocol(UNIXClientEndpoint(reactor, str(path), timeout=_CONNECT_WITHIN), _Asking())
        except (ConnectError, OSError) as error:
            refusal = f"{path}: {why(error)}"
            continue
        answer = await asking.ask(json.dumps({**arguments, "ask": name}).encode("ascii"), reactor)
        if not answer.get("ok"):
            raise ControlError(str(answer.get("error") or "there was no answer"))
        return answer.get("answer")
    raise ControlError(f"no meshproxy runs with {conf_dir}, or it is another user's: {refusal}")


class _Asking(LineOnlyReceiver):
    """One question and its answer."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_ANSWER
    transport: Any

    def __init__(self) -> None:
        self._waiting: Deferred[dict[str, Any]] | None = None
        self._timer: Any = None

    def ask(self, line: bytes, reactor: Any) -> Deferred[dict[str, Any]]:
        """Send the question; what comes, or a :class:`ControlError`."""
        answer: Deferred[dict[str, Any]] = Deferred()
        self._waiting = answer
        self._timer = reactor.callLater(ANSWER_WITHIN, self._end, ControlError("meshproxy does not answer"))
        self.sendLine(line)
        return answer

    def lineReceived(self, line: bytes) -> None:
        """The answer."""
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        self._end(answer if isinstance(answer, dict) else ControlError("what answers there is no meshproxy"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """There is no answer any more."""
        self._end(ControlError("meshproxy closed the connection without an answer"))

    def _end(self, outcome: dict[str, Any] | ControlError) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._timer.active():
            self._timer.cancel()
        self.transport.loseConnection()
        if isinstance(outcome, ControlError):
            waiting.errback(outcome)
        else:
            waiting.callback(outcome)
