"""What has come in from the conf directory so far? The files that were read, the problems and warnings that they raised.

The rule: nothing here raises for what an operator wrote; every finding is kept, with file and key, until all of them are known.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..problems import Problem

#: No file that an operator writes is longer; what is, is another file than the one that was meant.
LARGEST_FILE = 4 * 1024 * 1024


@dataclass(slots=True)
class Intake:
    """One reading of a conf directory.

    :ivar conf_dir: absolute, links not followed: a ConfigMap changes by swapping them.
    :ivar environ: where ``X_env`` looks.
    :ivar problems: why this directory cannot be used.
    :ivar warnings: what will surprise.
    :ivar files: every file that was read or asked for, also those that were not there.
    """

    conf_dir: Path
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)

    def complain(self, file: str, key: str, message: str, hint: str | None = None) -> None:
        """Add a problem."""
        self.problems.append(Problem(file, key, message, hint))

    def warn(self, file: str, key: str, message: str, hint: str | None = None) -> None:
        """Add a warning."""
        self.warnings.append(Problem(file, key, message, hint))

    def path(self, name: str) -> Path:
        """A path as conf files give it: relative to the conf directory."""
        return self.conf_dir / name

    def read(self, file: str, key: str, name: str) -> bytes | None:
        """The content of a file that ``key`` of ``file`` names; complains and returns ``None`` where there is none."""
        path = self.path(name)
        self.files.add(path)
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                self.complain(file, key, f"{name} is not a file")
                return None
            if path.stat().st_size > LARGEST_FILE:
                self.complain(file, key, f"{name} is larger than {LARGEST_FILE // 1024 // 1024} MiB")
                return None
            return path.read_bytes()
        except FileNotFoundError:
            self.complain(file, key, f"{name}: no such file (looked for {path})")
        except (OSError, ValueError) as error:
            self.complain(file, key, f"{name} cannot be read: {getattr(error, 'strerror', None) or error}")
        return None

    def read_secret(self, file: str, key: str, name: str) -> str | None:
        """The text of a file that holds a secret, without blanks around it; an empty one is a problem, an open one a warning."""
        content = self.read(file, key, name)
        if content is None:
            return None
        self.warn_if_open(file, key, name)
        try:
            text = content.decode("utf-8").strip()
        except UnicodeDecodeError:
            self.complain(file, key, f"{name} is not UTF-8 text")
            return None
        if not text:
            self.complain(file, key, f"{name} is empty")
            return None
        return text

    def warn_if_open(self, file: str, key: str, name: str) -> None:
        """Warn where others can read (or write) a file that holds a secret.

        The group counts only where the file is our own: the files of a Kubernetes Secret belong to root, and it is the group
        (``fsGroup``) that lets us read them.
        """
        try:
            status = self.path(name).stat()
        except (OSError, ValueError):
            return
        mode = status.st_mode
        if mode & (0o077 if status.st_uid == os.geteuid() else 0o007):
            self.warn(file, key, f"{name} holds a secret and others can read it (mode {stat.S_IMODE(mode):04o})", "chmod 600")
