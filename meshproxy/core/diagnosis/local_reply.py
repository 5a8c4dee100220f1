"""Is an answer an Envoy's own, and not the service's? By its form alone: the whole body is one of Envoy's texts, or there is none.

A body that merely contains the words is somebody's who quotes them. An empty 403 or 404 is never certain: a service gives
such answers too (diagnosis.md §2 and §6). The data path asks :func:`may_be` of every error and :func:`certain` of few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..heads import Field
from .envoy_texts import COMMON, LONGEST, is_text, reset_of

SERVICE_TIME = b"x-envoy-upstream-service-time"
"""Set on everything that a sidecar passes on from beyond itself (diagnosis.md §2)."""

_ENVOYS = (b"envoy", b"istio-envoy")
_EMPTY_STATUSES = frozenset((403, 404, 502, 503))
_LIMITED = (b"x-envoy-ratelimited", b"x-envoy-overloaded")

#: what stands beside an Envoy's own empty answer; any other field was set by somebody who had something to say
_BARE_FIELDS = frozenset((
    b"server", b"date", b"content-length", b"connection", b"keep-alive", b"transfer-encoding", b"via", b"x-request-id",
))
_BARE_PREFIXES = (b"x-envoy-", b"x-ratelimit-")

#: fields that only a program of its own sets: with one of them even Envoy's whole text is a quotation
_PROGRAM_FIELDS = frozenset((
    b"set-cookie", b"x-powered-by", b"x-runtime", b"x-aspnet-version", b"etag", b"last-modified", b"content-language", b"content-encoding",
    b"x-application-context", b"x-generator", b"p3p",
))


def named(fields: Iterable[Field]) -> dict[bytes, bytes]:
    """The fields by lower-case name; of repeated ones the last."""
    return {name.lower(): value for name, value in fields}


def is_text_form(status: int, names: Mapping[bytes, bytes], body: bytes, *, mesh: bool) -> bool:
    """Whether this has the form of a local reply with a text.

    :param mesh: our own sidecar is on the way: it sets ``server`` on all that it passes on, so that an answer without it, or
        with another one, did not come through a sidecar.
    """
    if names.get(b"content-type") != b"text/plain" or not is_text(status, body) or not _PROGRAM_FIELDS.isdisjoint(names):
        return False
    server = names.get(b"server")
    if server is not None:
        return server.lower() in _ENVOYS
    # Load balancers made of Envoy hide its name and add their Via.
    return not mesh and b"via" in names and body not in COMMON


def is_empty_form(status: int, names: Mapping[bytes, bytes]) -> bool:
    """Whether an answer without a body has the form of a local reply: nothing beside it but what an Envoy writes."""
    if names.get(b"server", b"").lower() not in _ENVOYS:
        return False
    limited = any(name in names for name in _LIMITED)
    return (status in _EMPTY_STATUSES or (status == 429 and limited)) and all(
        name in _BARE_FIELDS or name.startswith(_BARE_PREFIXES) for name in names
    )


def may_be(status: int, fields: Iterable[Field], length: int | None, no_body: bool) -> bool:
    """Whether the body has to be seen before it is known whose answer this is (``mesh = true``)."""
    if no_body or status < 400 or (length is not None and length > LONGEST):
        return False
    if length == 0:
        return status in (502, 503) and _certainly_empty(status, named(fields))
    return any(value == b"text/plain" and name.lower() == b"content-type" for name, value in fields)


def certain(status: int, fields: Iterable[Field], body: bytes) -> bool:
    """Whether this answer is a sidecar's beyond doubt, so that its page is replaced by ours (``mesh = true``)."""
    names = named(fields)
    if not body:
        return _certainly_empty(status, names)
    return status >= 400 and is_text_form(status, names, body, mesh=True)


def grpc_text(status: int, names: Mapping[bytes, bytes]) -> bytes:
    """Envoy's text told the gRPC way (200, ``grpc-status``, the text in ``grpc-message``); nothing where it is not that."""
    message = names.get(b"grpc-message", b"")
    if status != 200 or b"grpc-status" not in names or not names.get(b"content-type", b"").startswith(b"application/grpc"):
        return b""
    return message if reset_of(message) is not None or message == b"no healthy upstream" else b""


def _certainly_empty(status: int, names: Mapping[bytes, bytes]) -> bool:
    return status in (502, 503) and SERVICE_TIME not in names and is_empty_form(status, names)
