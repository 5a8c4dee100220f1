"""Where may a service live, and will a sidecar find it there? ``http://``, ``https://``, ``unix:PATH`` and ``sample:``.

The rule: the host is kept in the form in which a sidecar routes it (mesh-wide name, port where it is not the default), since it
becomes the Host that is sent.
"""

from __future__ import annotations

import re

from ..core.places import Upstream
from .hosts import is_address, is_loopback, parse_url
from .wrong import Wrong, did_you_mean

_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?")


def parse_upstream(text: str) -> Upstream:
    """What ``upstream = "…"`` says; the path of a ``unix:`` one is as written.

    :raises Wrong: another scheme, or a URL with user, password, query, fragment, or a path that has two readings.
    """
    if text.startswith("unix:"):
        return _unix(text)
    if text.startswith("sample:"):
        if text != "sample:":
            raise Wrong(f"{text!r}: there is one sample application", "did you mean 'sample:'?")
        return Upstream("sample", "localhost", 0, url=text)
    if "://" not in text:
        scheme = text.partition(":")[0]
        hint = did_you_mean(scheme, ("http", "https", "unix", "sample")) if ":" in text else None
        raise Wrong("is no upstream: http://HOST[:PORT], https://HOST[:PORT], unix:PATH or sample:", hint or f"did you mean 'http://{text}'?")
    url = parse_url(text, "http", "https")
    if not _PATH.fullmatch(url.path) or {".", ".."} & set(url.path.split("/")):
        raise Wrong("the path of an upstream is plain: no dot segments, no empty ones, no percent-encoding")
    return Upstream("https" if url.scheme == "https" else "http", url.host, url.port, url.path.rstrip("/"), text)


def _unix(text: str) -> Upstream:
    path = text.removeprefix("unix:")
    if path.startswith("///"):
        path = path[2:]
    if not path or path.startswith("//") or path.endswith("/") or "\0" in path:
        raise Wrong(f"{text!r} names no socket: unix:/run/service.sock")
    return Upstream("unix", "localhost", 0, path, text)


def mesh_advice(upstream: Upstream) -> str | None:
    """Why a sidecar will probably not route this upstream, or ``None``.

    Plain http alone: what a sidecar cannot read it routes by address and SNI, whatever Host says.
    """
    if upstream.scheme != "http" or is_loopback(upstream.host):
        return None
    if is_address(upstream.host):
        return (f"{upstream.host} looks like a pod's address: a sidecar routes by the service's name and lets "
                "addresses of pods pass without mutual TLS; name the service")
    if "." not in upstream.host:
        return (f"{upstream.host!r} names no namespace: a sidecar knows the short name only in its own; "
                f"write {upstream.host}.NAMESPACE.svc.cluster.local")
    return None
