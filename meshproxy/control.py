"""How does the command line ask a running meshproxy? Over a Unix socket that only its own user can open, one JSON line each way.

A question is ``{"ask": NAME, …}``, an answer ``{"ok": true, "answer": …}`` or ``{"ok": false, "error": "one sentence"}``. The rule: what a
question may do is what its handler does, and a handler that breaks answers with a sentence, never with a traceback.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]

LONGEST_QUESTION = 64 * 1024
_LONGEST_PATH = 100  # bytes: sockaddr_un has room for 107


class ControlError(Exception):
    """What was asked cannot be answered. The text is one sentence for people."""


def default_path(conf_dir: Path) -> Path:
    """The socket of a meshproxy with this conf directory, where ``control`` names none."""
    return next(default_paths(conf_dir))


def default_paths(conf_dir: Path) -> Iterator[Path]:
    """Every place where it can be: a service may have another environment than the shell that asks it."""
    name = _name_of(conf_dir.resolve())
    uid = os.getuid()
    if uid == 0 or os.access("/run/meshproxy", os.W_OK):
        yield Path("/run/meshproxy", name)
    for base in dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}")):
        if base and os.access(base, os.W_OK):
            yield Path(base, "meshproxy", name)
    yield Path(tempfile.gettempdir(), f"meshproxy-{uid}", name)


def _name_of(conf_dir: Path) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", str(conf_dir)).strip("-")[-30:]
    return f"{words.lstrip('-')}-{hashlib.sha256(os.fsencode(conf_dir)).hexdigest()[:8]}.sock"


class ControlServer:
    """Answers questions.

    :param path: of the socket: made with mode 0600, in a directory that is made with 0700 where it is missing.
    :param handlers: by name: each gets the question's other keys and returns what JSON can say; :class:`ControlError` is its way to say no.
    """

    log = Logger()

    def __init__(self, reactor: Any, path: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self._reactor = reactor
        self._handlers = handlers
        self._port: Any = None

    def start(self) -> None:
        """Listen. What a killed process left behind is cleared away. Raises :class:`ControlError` where it cannot."""
        if len(os.fsencode(self.path)) > _LONGEST_PATH:
            raise ControlError(f"control: {self.path} is too long for a Unix socket ({_LONGEST_PATH} bytes at most)")
        factory = Factory.forProtocol(_Answering)
        factory.noisy = False
        factory.answer = self._answer  # type: ignore[attr-defined]
        mask = os.umask(0o177)  # the socket is nobody else's from its first moment
        try:
            _own_directory(self.path.parent)
            self._port = self._reactor.listenUNIX(str(self.path), factory, mode=0o600, wantPID=True)
        except Exception as error:
            raise ControlError(f"control: cannot listen at {self.path}: {why(error)}") from error
        finally:
            os.umask(mask)

    def stop(self) -> Deferred[Any]:
        """Listen no more; the socket goes."""
        port, self._port = self._port, None
        return maybeDeferred(lambda: None) if port is None else maybeDeferred(port.stopListening)

    async def _answer(self, line: bytes) -> bytes:
        try:
            question = json.loads(line)
            name = question.pop("ask") if isinstance(question, dict) else None
            handler = self._handlers.get(name) if isinstance(name, str) else None
            if handler is None:
                raise ControlError("nothing of that name can be asked")
            told = {"ok": True, "answer": await handler(question)}
            return json.dumps(told).encode("ascii")
        except CancelledError:
            raise
        except ControlError as error:
            return _no(str(error))
        except (ValueError, KeyError, RecursionError):
            return _no("this is no question")
        except Exception:
            self.log.failure("a question on the control socket broke")
            return _no("meshproxy could not answer; its log says why")


class _Answering(LineOnlyReceiver):
    """One connection of a command line."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_QUESTION
    transport: Any

    def __init__(self) -> None:
        self._answering: Deferred[Any] | None = None

    def lineReceived(self, line: bytes) -> None:
        """A question; one at a time."""
        if self._answering is not None:
            self.transport.loseConnection()
            return
        self._answering = Deferred.fromCoroutine(self.factory.answer(line))  # type: ignore[union-attr]
        self._answering.addCallbacks(self._answered, lambda failure: failure.trap(CancelledError))

    def _answered(self, answer: bytes) -> None:
        self._answering = None
        self.sendLine(answer)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody waits any more."""
        if self._answering is not None:
            self._answering.cancel()


def _own_directory(directory: Path) -> None:
    """A directory that is ours alone, as far as others could put something in our way there."""
    mask = os.umask(0o077)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    finally:
        os.umask(mask)
    found = directory.lstat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or (shared and not found.st_mode & stat.S_ISVTX) or found.st_uid not in (os.getuid(), 0):
        raise ControlError(f"{directory} is somebody else's")


def _no(sentence: str) -> bytes:
    return json.dumps({"ok": False, "error": sentence}).encode("ascii")


def why(error: BaseException) -> str:
    """The system's own words for a socket that cannot be used."""
    inner = getattr(error, "socketError", error)
    return getattr(inner, "strerror", None) or str(inner) or type(error).__name__
