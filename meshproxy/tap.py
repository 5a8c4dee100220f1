"""What does ``twistd meshproxy`` take on its command line, and what does it run?

This and the command line's ``main`` are the only places that take the global reactor.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.application.service import IService
from twisted.python import usage


class Options(usage.Options):
    """The options of ``twistd meshproxy``."""

    synopsis = "[--conf DIR | --demo] [--workers N]"
    longdesc = (
        "Logs people in against your identity provider, decides who may open what, and relays to the services behind it. "
        "Everything is configured by files in the conf directory: meshproxy.toml, services/*.toml, plugins/*.py. "
        "`meshproxy check` validates them, `meshproxy explain URL` says what would happen to a request."
    )
    optParameters = [  # noqa: RUF012 - twisted.python.usage reads it from the class
        ["conf", "c", None, "The conf directory. Default: ./conf, else /etc/meshproxy."],
        ["workers", "w", 1, "How many processes serve requests.", int],
    ]
    optFlags = [  # noqa: RUF012
        ["demo", None, "Run the embedded default: two people, two sample services, http://localhost:8080/."],
    ]

    def postOptions(self) -> None:
        """Send the log to standard error: standard output belongs to the access log, one JSON object a line."""
        if self["demo"] and self["conf"]:
            raise usage.UsageError("--demo and --conf exclude each other")
        if self["workers"] < 1:
            raise usage.UsageError("--workers takes a number from 1")
        parent: Any = self.parent
        if parent is not None and not parent.get("logger") and not parent.get("logfile") and not parent.get("syslog"):
            parent["logger"] = "meshproxy.log.observer_factory"  # twistd wants its name


def makeService(options: Options) -> IService:
    """The service that twistd runs. A conf directory with problems ends the program: each on a line, exit 1."""
    from twisted.internet import reactor

    from .config import default_conf_dir, demo_conf_dir
    from .configured import read
    from .problems import ConfError
    from .service import MeshproxyService
    from .workers.share import why_not

    try:
        conf_dir = demo_conf_dir() if options["demo"] else default_conf_dir(options["conf"])
        configured = read(conf_dir)
        refusal = why_not(configured.settings, options["workers"])
        if refusal is not None:
            raise ConfError([refusal])
    except ConfError as error:
        for problem in error.problems:
            print(f"meshproxy: {problem}", file=sys.stderr)
        raise SystemExit(1) from None
    return MeshproxyService(reactor, configured, workers=options["workers"], quiet_warnings=bool(options["demo"]))
