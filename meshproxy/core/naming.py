"""Under which name does the other side know this URL? A service has two: the public one and the one it sees as Host.

The rule (contract §2.4): only a URL whose origin is exactly the one name becomes the other; everything else goes on as
it is, so that the service's own check, or the browser's, judges it. Paths follow: what ``strip_path`` takes from
requests is put back in answers, what the upstream's URL puts before requests is taken from answers.
"""

from __future__ import annotations

from .places import Origin, Upstream
from .policy import RequestSettings, RouteSettings
from .routing import OWN_PREFIX
from .target import split_absolute

_OWN = OWN_PREFIX.encode()
_PATH_ENDS = (b"", b"/", b"?", b"#")


def _beneath(path: bytes, prefix: bytes) -> bool:
    """Whether the path (with its query) lies in the prefix, by whole segments."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in _PATH_ENDS


class Naming:
    """The two names of one service, and how one becomes the other. Immutable.

    :param public: the route's public origin.
    """

    def __init__(self, upstream: Upstream, route: RouteSettings, request: RequestSettings, public: Origin) -> None:
        self._public = str(public).encode()
        self._public_authority = public.authority.encode()
        #: the Host that is sent; empty where the client's own is preserved
        self.host = {"upstream": upstream.authority, "preserve": ""}.get(request.host, request.host).encode()
        scheme = b"https" if upstream.scheme == "https" else b"http"
        self._seen = scheme + b"://" + self.host if self.host else self._public
        self._authorities = frozenset(
            {name.lower() for name in (self.host or self._public_authority, upstream.authority.encode())}
            | {f"{upstream.host}:{upstream.port}".encode()} - {self._public_authority}
        )
        self._upstream_host = upstream.host.encode()
        self._scope = route.path.rstrip("/").encode()
        #: what is put before every target, and what is taken from it
        self.base = upstream.path.rstrip("/").encode() if upstream.scheme in ("http", "https") else b""
        self.stripped = self._scope if route.strip_path else b""

    def origin_for_service(self, value: bytes) -> bytes:
        """``Origin``: the public one becomes the one that the service sees itself under."""
        return self._seen if value.lower() == self._public else value

    def referer_for_service(self, value: bytes) -> bytes:
        """``Referer``: the same, its path as it would be forwarded. A page of another service on the same host keeps its path."""
        rest = self._after_public(value)
        if rest is None:
            return value
        return self._seen + (self._forwarded(rest) if _beneath(rest, self._scope) else rest)

    def destination_for_service(self, value: bytes) -> bytes:
        """``Destination`` (RFC 4918 §10.3): the same for what lies under this route; another service's resource stays another's."""
        rest = self._after_public(value)
        return value if rest is None or not _beneath(rest, self._scope) else self._seen + self._forwarded(rest)

    def location_for_browser(self, value: bytes) -> bytes:
        """``Location`` and its like: with the upstream's origin, or without any (path-absolute); relative ones stay.

        A path under ``/_meshproxy/`` is meshproxy's own on every host and gets no prefix: a service may send people to
        the logout.
        """
        if value.startswith(b"//"):
            absolute = split_absolute(b"http:" + value)
            if absolute and absolute[1].lower() in self._authorities:
                return b"//" + self._public_authority + self._public_path(absolute[2])
            return value
        if value.startswith(b"/"):
            return self._public_path(value) or b"/"
        absolute = split_absolute(value)
        if absolute and absolute[1].lower() in self._authorities:
            return self._public + self._public_path(absolute[2])
        return value

    def refresh_for_browser(self, value: bytes) -> bytes:
        """``Refresh: 5; url=…``: the URL in it, as in ``Location``."""
        delay, separator, rest = value.partition(b";" if b";" in value else b",")
        name, equals, url = rest.partition(b"=")
        if not equals or name.strip().lower() != b"url":
            return value
        bare = url.strip()
        quote = bare[:1] if bare[:1] in (b"'", b'"') and bare[-1:] == bare[:1] and len(bare) > 1 else b""
        bare = bare[len(quote) : len(bare) - len(quote)]
        return delay + separator + name + equals + quote + self.location_for_browser(bare) + quote

    def origin_for_browser(self, value: bytes) -> bytes:
        """``Access-Control-Allow-Origin``: the upstream's origin becomes the public one."""
        absolute = split_absolute(value)
        return self._public if absolute and not absolute[2] and absolute[1].lower() in self._authorities else value

    def cookie_for_browser(self, value: bytes) -> bytes:
        """``Set-Cookie``: a ``Domain`` of the upstream goes, ``Path`` gets the stripped prefix.

        A ``__Host-`` cookie keeps ``Path=/``: with any other path browsers would drop it.
        """
        pair, *attributes = value.split(b";")
        fixed = pair.lstrip(b" \t").lower().startswith(b"__host-")
        kept = [pair]
        for attribute in attributes:
            name, equals, said = attribute.partition(b"=")
            kind = name.strip().lower()
            said = said.strip()
            if kind == b"domain" and self._is_upstream_domain(said.lower().lstrip(b".")):
                continue
            if kind == b"path" and said.startswith(b"/") and not fixed and (self.stripped or self.base):
                attribute = name + equals + self._public_cookie_path(said)
            kept.append(attribute)
        return b";".join(kept)

    def _after_public(self, url: bytes) -> bytes | None:
        """What follows the public origin, or ``None`` where the URL is not of it or has nothing to become."""
        if not self.host or url[: len(self._public)].lower() != self._public:
            return None
        rest = url[len(self._public) :]
        return rest if rest[:1] in _PATH_ENDS else None

    def _forwarded(self, rest: bytes) -> bytes:
        """A path under the route, as the service gets it."""
        if self.stripped:
            rest = rest[len(self.stripped) :]
            if rest[:1] != b"/":
                rest = b"/" + rest
        return self.base + rest

    def _public_path(self, rest: bytes) -> bytes:
        """A path (with query and fragment) of the service, as the browser knows it."""
        if self.base and _beneath(rest, self.base):
            rest = rest[len(self.base) :]
            if rest[:1] != b"/":
                rest = b"/" + rest
        if self.stripped and not _beneath(rest, self.stripped) and not _beneath(rest, _OWN):
            rest = self.stripped + rest
        return rest

    def _public_cookie_path(self, path: bytes) -> bytes:
        """``/`` becomes the bare prefix: ``/grafana/`` would not match ``/grafana`` (RFC 6265 §5.1.4)."""
        public = self._public_path(path)
        return self.stripped if public == self.stripped + b"/" and self.stripped else public

    def _is_upstream_domain(self, domain: bytes) -> bool:
        """Whether the service names itself, or a domain above itself, as it knows itself."""
        return bool(domain) and (self._upstream_host == domain or self._upstream_host.endswith(b"." + domain))
