"""What is to be run? Settings and plugins together, read from a conf directory and checked as one.

The conf files and the plugins that read tables in them are checked together, so that an operator meets every mistake at
once: twistd at start, ``meshproxy check``, and every reload call the same :func:`read`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .config import survey
from .plugins import Plugins
from .problems import ConfError, Problem
from .settings import Settings
from .web.pages import template_problems, template_warnings


@dataclass(frozen=True, slots=True)
class Configured:
    """A conf directory that can be run; ``warnings`` say what will surprise."""

    settings: Settings
    plugins: Plugins
    warnings: tuple[Problem, ...] = ()


def read(conf_dir: Path, plugins: Plugins | None = None, environ: Mapping[str, str] = os.environ) -> Configured:
    """Read and check everything. Raises :class:`ConfError` with every problem of every file and plugin.

    :param plugins: those of the running process, for a reload: plugin files are not reloaded.
    """
    problems: list[Problem] = []
    if plugins is None:
        try:
            plugins = Plugins.load(conf_dir)
        except ConfError as error:
            problems += error.problems
    found = survey(conf_dir, environ=environ)
    problems += found.problems
    settings, warnings = found.settings, found.warnings
    if plugins is not None:
        findings = plugins.examine(settings, environ)
        problems += findings.problems
        warnings = (*warnings, *findings.warnings)
        settings = replace(settings, files=settings.files | findings.files)
    problems += template_problems(conf_dir)
    warnings = (*warnings, *template_warnings(conf_dir))
    icons = {Path(service.icon) for service in settings.services if service.icon}
    settings = replace(settings, files=settings.files | icons)
    if problems or plugins is None:
        raise ConfError(dict.fromkeys(problems), settings.files)
    return Configured(settings, plugins, tuple(dict.fromkeys(warnings)))
