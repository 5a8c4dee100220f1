"""What does the ``meshproxy`` command do? Questions about a conf directory, and to a running meshproxy; it changes neither.

The rule: commands are thin; what they tell is computed by the code that serves requests. Beside :mod:`meshproxy.tap` this is the only
place that takes the global reactor.
"""

from __future__ import annotations

import sys
from typing import Any

from .. import __version__
from .check_command import check
from .doctor_command import doctor
from .explain_command import explain
from .login_command import login_report
from .plugins_command import plugins
from .policy_command import mesh_policy
from .secret_commands import hash_password, new_key
from .sessions_command import sessions
from .shell import Commands, Shell

__all__ = ["commands", "main"]

commands = Commands(
    "meshproxy",
    help="Checks and explains what meshproxy does with a conf directory, and asks the one that runs. "
    "It is started by `twistd -n meshproxy --conf DIR`.",
    version=__version__,
    commands=[check, explain, doctor, mesh_policy, plugins, sessions, login_report, new_key, hash_password],
)


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit status (contract §1)."""
    return commands.run(sys.argv[1:] if arguments is None else arguments, Shell(_global_reactor))


def _global_reactor() -> Any:
    """Taken only by a command that needs one."""
    from twisted.internet import reactor

    return reactor
