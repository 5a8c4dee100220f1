"""Where does the sample application run? Behind a Unix socket that only this user can reach, as long as it is wanted."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort

from .application import SampleApplication
from .recording import RecordingSite


class SampleServer:
    """The sample application on a socket in a directory of its own (mode 0700).

    :param reactor: also the clock of its stream.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._directory: Path | None = None
        self._port: IListeningPort | None = None

    def start(self) -> str:
        """Listen; returns the socket's path. Calling it again while it runs gives the same path."""
        if self._directory is None:
            # mkdtemp makes it 0700: the socket's own mode is not looked at everywhere, its directory's is
            self._directory = Path(tempfile.mkdtemp(prefix="meshproxy-sample-"))
            site = RecordingSite(SampleApplication(self._reactor), timeout=None, reactor=self._reactor, parsePOSTFormSubmission=False)
            self._port = self._reactor.listenUNIX(str(self._directory / "socket"), site, mode=0o600)
        return str(self._directory / "socket")

    def stop(self) -> Deferred[None]:
        """Stop listening and remove the directory; connections end with the process or their other end."""
        port, directory = self._port, self._directory
        self._port = self._directory = None
        if port is None or directory is None:
            return maybeDeferred(lambda: None)

        def remove(result: object) -> None:
            shutil.rmtree(directory, ignore_errors=True)

        return maybeDeferred(port.stopListening).addCallback(remove)
