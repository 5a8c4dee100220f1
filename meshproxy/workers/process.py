"""How does a worker process begin? ``python -m meshproxy.workers.process``, started by its parent and by nobody else.

Everything it is to know beyond the conf directory comes over the link: no secret and no setting stands in a command line or environment.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import socket
import sys
from pathlib import Path
from typing import Any


def arguments(reactor_module: str, link: int, conf_dir: Path) -> list[str]:
    """The command line that starts one: without the working directory on the module path, unlike a plain ``-m``."""
    return [sys.executable, "-P", "-m", __name__, f"--reactor={reactor_module}", f"--link={link}", str(conf_dir)]


def main(given: list[str] | None = None) -> int:
    """Run until the end; the exit status."""
    parser = argparse.ArgumentParser(prog="meshproxy worker", description="One of the processes of twistd meshproxy --workers N.")
    parser.add_argument("--reactor", required=True, help="the module that installs the reactor")
    parser.add_argument("--link", required=True, type=int, help="the descriptor of the link to the parent")
    parser.add_argument("conf_dir", type=Path)
    options = parser.parse_args(given)
    importlib.import_module(options.reactor).install()
    from twisted.internet import reactor
    from twisted.internet.protocol import Factory
    from twisted.logger import globalLogBeginner

    from .inside import Inside
    from .relayed_log import observer_for

    inside = Inside(reactor, options.conf_dir)
    factory = Factory.forProtocol(lambda: inside.link)  # type: ignore[arg-type]
    _adopt(reactor, options.link, factory)
    globalLogBeginner.beginLoggingTo([observer_for(inside.link)], redirectStandardIO=False)
    _take_signals(reactor, inside)
    inside.start()
    reactor.run()  # type: ignore[attr-defined]
    return inside.status


def _adopt(reactor: Any, descriptor: int, factory: Any) -> None:
    with socket.socket(fileno=descriptor) as end:  # the reactor makes a copy
        end.setblocking(False)
        reactor.adoptStreamConnection(end.fileno(), socket.AF_UNIX, factory)


def _take_signals(reactor: Any, inside: Any) -> None:
    """A terminal sends Ctrl-C and its end to all of a process group: the parent knows what to do then."""

    def take() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(inside.terminated))

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    reactor.callWhenRunning(take)  # the reactor puts its own in place when it begins


if __name__ == "__main__":
    sys.exit(main())
