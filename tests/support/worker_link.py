"""A parent and its workers in memory: links joined end to end, and a reactor whose processes are played by the test."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone, ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from meshproxy.workers.messages import Handler, Link

from .sessions import START


class Joint:
    """Two links as a socket pair joins them; nothing moves before :meth:`flush`."""

    def __init__(self, one: Link, other: Link) -> None:
        self._ends = ((one, StringTransport()), (other, StringTransport()))
        for link, transport in self._ends:
            link.makeConnection(transport)

    def flush(self) -> bool:
        """Move what was written, as often as something is; whether anything was. A side that closed ends both."""
        moved = False
        while True:
            pieces = []
            for _, transport in self._ends:
                pieces.append(transport.value())
                transport.clear()
            for piece, (link, _) in zip(pieces, reversed(self._ends), strict=True):
                if piece and link.connected:
                    link.dataReceived(piece)
            if not any(pieces):
                break
            moved = True
        if any(transport.disconnecting for _, transport in self._ends):
            moved = self.cut() or moved
        return moved

    def cut(self) -> bool:
        """The connection ends, on both sides; whether there was one."""
        ended = [link for link, _ in self._ends if link.connected]
        for link in ended:
            link.connectionLost(Failure(ConnectionDone()))
        return bool(ended)


def joined(clock: Clock, here: dict[str, Handler], there: dict[str, Handler]) -> tuple[Link, Link, Joint]:
    """Two links, joined."""
    one, other = Link(clock, here, lambda: None), Link(clock, there, lambda: None)
    return one, other, Joint(one, other)


class PlayedWorker:
    """A worker as the test plays it. It does what a good one does, until told otherwise.

    :ivar heard: what the parent asked and told, in order.
    :ivar answers: what it answers, by question; a Deferred makes the parent wait.
    :ivar given: the answer to its hello.
    """

    def __init__(self, machine: Machine, process: Any, inherited: dict[int, Any]) -> None:
        self.machine = machine
        self.process = process
        self.inherited = inherited
        self.heard: list[str] = []
        self.revoked: list[Any] = []
        self.kept: list[Any] = []
        self.given: dict[str, Any] | None = None
        self.signals: list[Any] = []
        self.ended = False
        self.answers: dict[str, Any] = {
            "look": {"reasons": [], "warnings": [], "figures": []}, "prepare": [], "take": None, "discard": None, "close": None,
        }
        self.link = Link(machine, {}, lambda: None)
        names = ("look", "prepare", "take", "discard", "close", "drain", "end", "question")
        self.link._handlers = {name: self._played(name) for name in names} | {
            "revoked": lambda known: self.revoked.extend(known), "kept": lambda record: self.kept.append(record),
        }
        self.joint: Joint | None = None

    def _played(self, name: str) -> Callable[..., Any]:
        def play(**about: Any) -> Any:
            self.heard.append(name)
            if name in ("drain", "end") and name not in self.answers:
                self.exits(0)
                return None
            answer = self.answers.get(name)
            return answer(**about) if callable(answer) else answer

        return play

    def says_hello(self) -> None:
        """As it begins."""
        self.link.ask("hello").addCallback(lambda given: setattr(self, "given", given))
        self.machine.flush()

    def serves(self) -> None:
        """It has begun."""
        self.says_hello()
        self.link.tell("serving")
        self.machine.flush()

    def exits(self, status: int = 0, killed: int = 0) -> None:
        """Its process ends, its link with it."""
        if self.ended:
            return
        self.ended = True
        reason = ProcessTerminated(status or None, killed or None) if status or killed else ProcessDone(0)
        self.machine.callLater(0, self._exited, reason)

    def _exited(self, reason: Exception) -> None:
        if self.joint is not None:
            self.joint.flush()
            self.joint.cut()
        self.process.processEnded(Failure(reason))

    def signalProcess(self, number: Any) -> None:
        """The parent's signal."""
        self.signals.append(number)
        if number == signal.SIGKILL:
            self.exits(killed=int(signal.SIGKILL))


class Machine(Clock):
    """A reactor that starts processes for the test to play.

    :ivar workers: all that were ever started.
    :ivar ports: what was listened on.
    """

    def __init__(self) -> None:
        Clock.__init__(self)
        self.rightNow = START
        self.workers: list[PlayedWorker] = []
        self.ports: list[PlayedPort] = []
        self.out_of_processes = False

    def spawnProcess(self, protocol: Any, executable: str, args: Any = (), env: Any = None, childFDs: Any = None, **_: Any) -> None:
        """See :class:`twisted.internet.interfaces.IReactorProcess`."""
        if self.out_of_processes:
            raise OSError(11, "Resource temporarily unavailable")
        worker = PlayedWorker(self, protocol, dict(childFDs))
        worker.command, worker.environ = list(args), env  # type: ignore[attr-defined]
        protocol.makeConnection(worker)
        self.workers.append(worker)

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> None:
        """See :class:`twisted.internet.interfaces.IReactorSocket`."""
        worker = self.workers[-1]
        worker.joint = Joint(factory.buildProtocol(None), worker.link)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> PlayedPort:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        self.ports.append(PlayedPort(100 + len(self.ports)))
        return self.ports[-1]

    def flush(self) -> None:
        """Move everything that was written, and do what is due now."""
        moved = True
        while moved:
            moved = sum(worker.joint.flush() for worker in self.workers if worker.joint is not None) > 0
        due = [call for call in self.getDelayedCalls() if call.getTime() <= self.seconds()]
        if due:
            self.advance(0)
            self.flush()

    def passes(self, seconds: float) -> None:
        """Time passes; what is written meanwhile moves."""
        self.flush()
        self.advance(seconds)
        self.flush()


class PlayedPort:
    """A listening socket."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.reading = True
        self.listening = True

    def fileno(self) -> int:
        """Its descriptor."""
        return self._descriptor

    def stopReading(self) -> None:
        """Nobody accepts here."""
        self.reading = False

    def stopListening(self) -> None:
        """It is closed."""
        self.listening = False
