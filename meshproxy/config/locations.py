"""Which conf directory is meant? The one that is named, else ``./conf``, else ``/etc/meshproxy``; or the embedded default.

The rule: nothing is guessed beyond that, and an error names every place that was looked at.
"""

from __future__ import annotations

from pathlib import Path

from ..problems import ConfError, Problem

HERE = Path("conf")
SYSTEM = Path("/etc/meshproxy")
PACKAGE = Path(__file__).resolve().parent.parent


def default_conf_dir(option: str | None, *, candidates: tuple[Path, ...] = (HERE, SYSTEM)) -> Path:
    """The conf directory to use, as an absolute path.

    :param option: what ``--conf`` said; then it must be there.
    :raises ConfError: no such directory, or none of the default ones is there.
    """
    if option is not None:
        if not Path(option).is_dir():
            raise ConfError([Problem(option, "", "no such directory")])
        return Path(option).absolute()
    for candidate in candidates:
        if candidate.is_dir():
            return candidate.absolute()
    looked = " nor ".join(str(candidate) if candidate.is_absolute() else f"./{candidate}" for candidate in candidates)
    message = f"no conf directory: there is neither {looked}"
    raise ConfError([Problem(str(candidates[0]), "", message, "name one with --conf, or try --demo")])


def demo_conf_dir(*, package: Path = PACKAGE) -> Path:
    """The embedded default: ``demo/`` of an installed package, ``conf/`` of a checkout beside it.

    :raises ConfError: the installation is incomplete.
    """
    for candidate in (package / "demo", package.parent / "conf"):
        if (candidate / "meshproxy.toml").is_file():
            return candidate
    raise ConfError([Problem(str(package / "demo"), "", "the embedded conf directory is missing: the installation is incomplete")])
