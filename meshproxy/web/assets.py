"""Which files do our pages need, and under which URL? A stylesheet, a mark, the services' icons.

The rule: a URL holds a hash of the content, so that an answer may be kept for ever, and a changed file is a new URL. All
files are read once, at start; whoever asks for another name gets nothing, so no path of the disk is ever asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..problems import Problem

PREFIX = "/_meshproxy/static/"

_PACKAGED = Path(__file__).with_name("static")
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".jpg": b"image/jpeg",
    ".jpeg": b"image/jpeg",
    ".webp": b"image/webp",
    ".ico": b"image/x-icon",
}
_MOST_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. ``path`` is where browsers find it, on every host."""

    path: str
    content_type: bytes
    body: bytes


class Assets:
    """The files of one configuration.

    :param conf_dir: its ``templates/`` may hold a ``meshproxy.css`` or ``mark.svg`` to use instead of ours.
    :param icons: what the services' files name as ``icon``, relative to the conf directory (or its ``icons/``).
    :ivar problems: icons that are missing or of no known kind: a warning each, the tile shows a letter instead.
    :ivar files: what was read from the conf directory.
    """

    def __init__(self, conf_dir: Path, icons: Iterable[str] = ()) -> None:
        self.problems: list[Problem] = []
        self.files: set[Path] = set()
        self._named: dict[str, Asset] = {}
        self._served: dict[str, Asset] = {}
        for packaged in sorted(_PACKAGED.iterdir()):
            if packaged.suffix in _TYPES:
                own = conf_dir / "templates" / packaged.name
                self._add(packaged.name, packaged.name, own if own.is_file() else packaged, conf_dir)
        for icon in sorted(set(filter(None, icons))):
            self._add_icon(icon, conf_dir)

    def path(self, name: str) -> str:
        """The URL's path of a file of ours. Raises :class:`KeyError` for one that does not exist."""
        return self._named[name].path

    def icon(self, icon: str) -> str:
        """The URL's path of a service's icon, or "" where there is none."""
        found = self._named.get(f"icon:{icon}")
        return found.path if found else ""

    def find(self, segment: str) -> Asset | None:
        """The file behind the last segment of a URL."""
        return self._served.get(segment)

    def _add_icon(self, icon: str, conf_dir: Path) -> None:
        for candidate in (conf_dir / icon, conf_dir / "icons" / icon):
            if candidate.is_file() and candidate.suffix.lower() in _TYPES and candidate.suffix.lower() != ".css":
                self._add(f"icon:{icon}", f"icon-{candidate.stem}{candidate.suffix.lower()}", candidate, conf_dir)
                return
        kinds = ", ".join(suffix.lstrip(".") for suffix in _TYPES if suffix != ".css")
        self.problems.append(
            Problem(icon, "icon", f"there is no such image in the conf directory ({kinds}); the tile shows a letter instead")
        )

    def _add(self, key: str, name: str, file: Path, conf_dir: Path) -> None:
        try:
            body = file.read_bytes()
        except OSError as error:
            self.problems.append(Problem(file, "", f"cannot be read: {error.strerror}"))
            return
        if len(body) > _MOST_BYTES:
            self.problems.append(Problem(file, "", f"is larger than {_MOST_BYTES // 1024} KiB"))
            return
        if file.is_relative_to(conf_dir):
            self.files.add(file)
        digest = hashlib.sha256(body).hexdigest()[:12]
        stem, suffix = Path(name).stem, Path(name).suffix
        segment = f"{''.join(one if one.isascii() and (one.isalnum() or one in '-_') else '_' for one in stem)}.{digest}{suffix}"
        asset = Asset(PREFIX + segment, _TYPES[suffix], body)
        self._named[key] = self._served[segment] = asset
