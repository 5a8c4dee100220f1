"""Where do plugins come from? meshproxy's own, installed packages' entry points, and ``conf/plugins/*.py``, in that order.

The rule: a plugin that cannot be imported is a finding, with the line of its own file, and never an exception; nothing is written beside
a conf file (conf directories are often read-only), and a file there can be imported by nobody else.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import builtin
from ..problems import Problem

GROUP = "meshproxy"
BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin.

    :ivar name: the file's name without ``.py``, or the entry point's.
    :ivar source: ``built-in``, ``plugins/acme.py`` or ``package acme-meshproxy 1.2``.
    :ivar implementation: the module (an entry point may name any object) that has the hook functions.
    """

    name: str
    source: str
    implementation: Any

    @property
    def file(self) -> str:
        """The file of its code, for the line of an error."""
        return str(getattr(self.implementation, "__file__", "") or "")


def find_plugins(conf_dir: Path | None) -> Iterator[Plugin | Problem]:
    """Every plugin, and a :class:`Problem` for each that cannot be imported."""
    for found in pkgutil.iter_modules(builtin.__path__):
        if not found.name.startswith("_"):
            yield Plugin(found.name, BUILT_IN, importlib.import_module(f"{builtin.__name__}.{found.name}"))
    for entry_point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        yield _installed(entry_point)
    if conf_dir is not None:
        for path in sorted((conf_dir / "plugins").glob("*.py")):
            if not path.name.startswith(("_", ".")):
                yield _conf_file(path, f"plugins/{path.name}")


def _installed(entry_point: EntryPoint) -> Plugin | Problem:
    source = f"package {entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else f"entry point {entry_point.value}"
    try:
        return Plugin(entry_point.name, source, entry_point.load())
    except (Exception, SystemExit) as error:
        return Problem(source, entry_point.name, f"cannot be imported: {describe(error, '')}")


class _Loader(SourceFileLoader):
    """Compiles from the source each time, and keeps nothing."""

    def path_stats(self, path: str) -> Any:
        """Byte code is neither looked for nor written where this raises."""
        raise OSError


def _conf_file(path: Path, source: str) -> Plugin | Problem:
    # The path is part of the name: the same plugin in two conf directories makes two modules (and each has its own classes).
    name = f"_meshproxy_plugin_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_loader(name, _Loader(name, str(path)))
    if spec is None or spec.loader is None:  # pragma: no cover - a loader of ours always makes a spec
        return Problem(source, "", "cannot be imported")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up to understand annotations
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        return Problem(source, "", f"cannot be imported: {describe(error, str(path))}")
    return Plugin(path.stem, source, module)


def describe(error: BaseException, file: str) -> str:
    """``line 12: ModuleNotFoundError: No module named 'acme'``, the line being the innermost one of ``file``."""
    line: int | None = None
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if file and frame.filename == file), None)
    words = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}{f': {words}' if words else ''}"
