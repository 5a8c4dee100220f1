"""Which service is asked for? Host and path lead to one route, or to none, whatever a service may read in the path.

The rule: host first, then meshproxy's own prefix, then the longest prefix of whole segments. The path is judged under
every reading (:func:`meshproxy.core.target.readings`); where two readings lead to two places the request is refused,
where all agree it goes on byte for byte. The query plays no part, and no field does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .memo import Memo
from .policy import RouteSettings
from .target import TooManyReadings, is_plain, is_unreadable, readings, unescape

#: Everything of meshproxy's own lies under it, on every host.
OWN_PREFIX = "/_meshproxy"
_OWN = OWN_PREFIX.encode()
# Where a reading leads when it is no service: to us, to the home page, nowhere.
_TO_OWN, _TO_HOME, _TO_NOBODY = "/own", "/home", "/nobody"


@dataclass(frozen=True, slots=True)
class Match:
    """A route found.

    :ivar service: its name; ``None`` for meshproxy's own pages.
    :ivar own: whether the path is meshproxy's own (the home page at ``/`` of the public host too).
    :ivar path: the path to forward, beginning with ``/``: without the prefix where ``strip_path`` says so.
    :ivar prefix: the prefix that matched, as in the conf file: ``/`` or ``/grafana``.
    """

    service: str | None
    own: bool
    path: bytes
    prefix: str


@dataclass(frozen=True, slots=True)
class Misroute:
    """No route: 421 for a host that nobody has, 404 for a path that nobody has, 400 for a path of several meanings."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Loser:
    """A route that was looked at and not taken, for ``explain``. ``service`` is "" for meshproxy's own prefix."""

    service: str
    host: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class _Route:
    """``start`` is the prefix with a slash at its end, as bytes: what every path beneath begins with."""

    service: str
    settings: RouteSettings
    start: bytes

    def covers(self, path: bytes) -> bool:
        """Whether the prefix's whole segments stand at the path's beginning."""
        return path.startswith(self.start) or path == self.start[:-1]

    def match(self, path: bytes) -> Match:
        kept = (path[len(self.start) - 1 :] or b"/") if self.settings.strip_path else path
        return Match(self.service, False, kept, self.settings.path)


class _Host:
    """The routes of one host, longest prefix first."""

    def __init__(self, routes: list[_Route], *, home: bool) -> None:
        self.routes = sorted(routes, key=lambda route: len(route.start), reverse=True)
        self._by_service = {route.service: route for route in routes}
        self._home = home
        # On a host whose only service is at "/" every reading leads to it, our own prefix apart.
        self._alone = [route.start for route in routes] == [b"/"]
        # A flood of paths costs one search each; the paths of a person's day cost one lookup.
        self.find: Memo[Match | Misroute] = Memo(self._find, entries=2048, longest=256)

    def _place(self, path: bytes) -> str:
        """Where one reading of a path leads: a service's name (they have no slash) or one of ``_TO_…``."""
        if path.startswith(_OWN + b"/") or path == _OWN:
            return _TO_OWN
        for route in self.routes:
            if route.covers(path):
                return route.service
        return _TO_HOME if self._home and path == b"/" else _TO_NOBODY

    def _find(self, path: bytes) -> Match | Misroute:
        place = self._place(path)
        # Decoding, cutting, merging and dots leave what stands inside a segment as it is: a reading can lead to our own
        # prefix only where its name stands in the decoded path.
        if not is_plain(path) and (not self._alone or _OWN[1:] in unescape(path)):
            refusal = self._refusal(path, place)
            if refusal:
                return Misroute(400, refusal)
        if place == _TO_OWN:
            return Match(None, True, path, OWN_PREFIX)
        if place == _TO_HOME:
            return Match(None, True, path, "/")
        if place == _TO_NOBODY:
            return Misroute(404, "no service has this path")
        return self._by_service[place].match(path)

    def _refusal(self, path: bytes, place: str) -> str | None:
        """Why a path of several readings goes nowhere, or ``None`` where all of them lead to the same place."""
        try:
            differ = any(self._place(reading) != place for reading in readings(path))
        except TooManyReadings:
            return "the path can be read in too many ways"
        if differ:
            return "the path means different things to different services"
        return is_unreadable(path)


class RouteTable:
    """All routes of a configuration. Immutable but for what it remembers of paths seen, which is bounded.

    :param public_host: the host of ``public_url``: its ``/`` is the home page unless a service has it.
    :param services: name and route of each service; no two have the same host and path.
    """

    def __init__(self, public_host: str, services: Iterable[tuple[str, RouteSettings]]) -> None:
        hosts: dict[str, list[_Route]] = {public_host: []}
        for name, settings in services:
            start = settings.path.rstrip("/").encode() + b"/"
            hosts.setdefault(settings.host, []).append(_Route(name, settings, start))
        self._hosts = {host: _Host(routes, home=host == public_host) for host, routes in hosts.items()}

    def find(self, host: str, path: bytes) -> Match | Misroute:
        """The route of a request.

        :param host: as :func:`meshproxy.core.authority.parse_authority` gives it, without port.
        :param path: the target's path as it came, beginning with ``/``.
        """
        routes = self._hosts.get(host)
        if routes is None:
            return Misroute(421, "no service has this host")
        return routes.find[path]

    def losers(self, host: str, path: bytes) -> list[Loser]:
        """Every route but the one that :meth:`find` takes, and why it lost; in the order of the search."""
        found = self.find(host, path)
        taken = found.service if isinstance(found, Match) else None
        lost = []
        for route_host, routes in self._hosts.items():
            for route in routes.routes:
                if route.service != taken:
                    why = self._why(route, host, path, found, same_host=route_host == host)
                    lost.append(Loser(route.service, route_host, route.settings.path, why))
        return lost

    @staticmethod
    def _why(route: _Route, host: str, path: bytes, found: Match | Misroute, *, same_host: bool) -> str:
        if not same_host:
            return f"its host is not {host}"
        if not route.covers(path):
            return "the path is not under its prefix"
        if isinstance(found, Misroute):
            return found.reason
        return "meshproxy's own prefix goes first" if found.own else f"the prefix {found.prefix} is longer"
