"""Which causes leave the same marks, and in which order do they occur? The groups of diagnosis.md §3, most frequent first.

A probe moves causes forward in their group; it never removes one, because a probe may end elsewhere than the request did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fit import FITS, Fit, fits

if TYPE_CHECKING:
    from .reading import Reading

_STEP = 5  # between one cause of a group and the next

_FAILURE = ("connect_refused", "mtls_mismatch", "tls_name_mismatch", "tls_unknown_ca", "tls_expired", "client_cert_required")
_NO_HANDSHAKE = ("mtls_mismatch", "connect_refused")
_TIMEOUT = ("connect_timeout", "mtls_mismatch")
_TERMINATION = ("mtls_mismatch", "closed_early", "mesh_denied", "protocol_mismatch", "http2_only")
_BEYOND = ("closed_early", "mtls_mismatch", "protocol_mismatch", "mesh_denied", "http2_only")
_SILENCE = ("closed_early", "mtls_mismatch", "mesh_denied", "plain_to_tls", "http2_only")
_SILENCE_OUTSIDE = ("closed_early", "plain_to_tls", "http2_only", "mtls_mismatch", "mesh_denied")
_TLS_SILENCE = ("closed_early", "client_cert_required", "mtls_mismatch", "mesh_denied", "http2_only")
_TLS_CUT = ("closed_early", "tls_to_plain", "client_cert_required", "tls_name_mismatch", "mtls_mismatch")


def member(seen: Reading, cause: str) -> Fit | None:
    """How well ``cause`` fits as one of a group; ``None`` when the evidence is of no group that it is in."""
    group = group_of(seen)
    if cause not in group:
        return None
    return fits(FITS - _STEP * group.index(cause))


def group_of(seen: Reading) -> tuple[str, ...]:
    """The causes that leave these marks, most likely first; empty where the evidence is of no such group."""
    if seen.reset is not None:
        return _of_reset(seen)
    if seen.silent:
        return _of_silence(seen)
    evidence = seen.evidence
    if evidence.phase == "tls" and evidence.end in ("eof", "reset"):
        if seen.plain is not None and seen.plain.http:
            return _forward(_TLS_CUT, "tls_to_plain")
        return _forward(_TLS_CUT, "client_cert_required") if seen.tls is not None and seen.tls.wants_client else _TLS_CUT
    return ()


def family(seen: Reading) -> str:
    """What Envoy's reset reason amounts to, whatever its version calls it; "" where the answer is none."""
    reset = seen.reset
    if reset is None:
        return ""
    reason = reset.reason
    for words, kind in (
        ("overflow", "overload"), ("overload", "overload"), ("protocol error", "protocol"), ("timeout", "timeout"),
        ("connection failure", "failure"), ("connection termination", "termination"), ("half close", "remote"),
        ("remote", "remote"), ("local", "local"), ("reset", "remote"), ("close", "remote"), ("terminat", "termination"),
    ):
        if words in reason:
            return kind
    return "failure" if not reason else ""


def _of_reset(seen: Reading) -> tuple[str, ...]:
    kind = family(seen)
    if kind == "failure":
        return _of_failure(seen)
    if kind == "timeout":
        somebody = (seen.tls is not None and (seen.tls.shows_tls or _speaks_plain(seen))) or seen.passed_through is not None
        return _forward(_TIMEOUT, "mtls_mismatch") if somebody else _TIMEOUT
    if kind == "termination":
        return _of_termination(seen)
    if kind == "remote":
        return _BEYOND
    return ("connect_timeout", "closed_early", "mtls_mismatch") if kind == "local" else ()


def _of_failure(seen: Reading) -> tuple[str, ...]:
    """A connection that the sidecar could not make: TCP or TLS."""
    certificate = seen.mesh_certificate
    if certificate is not None:
        # Somebody listens, and with TLS: what failed is the handshake.
        order = ["tls_name_mismatch", "tls_unknown_ca", "client_cert_required", "tls_expired"]
        ours = _trust_domain(seen.about.identity)
        if certificate.outside_its_dates(seen.about.now):
            order = ["tls_expired"]
        elif (ours and ours != _trust_domain(certificate.spiffe_id)) or (seen.tls is not None and seen.tls.issued_by_a_stranger):
            order = ["tls_unknown_ca"]
        elif seen.admin is not None and seen.admin.peer_refused:
            ends = seen.admin.identity_ends
            ours_ended = ends is not None and ends < seen.about.now
            order = ["tls_expired"] if ours_ended else ["client_cert_required", "tls_unknown_ca", "tls_expired"]
        elif seen.tls is not None and not seen.tls.wants_client:
            order = ["tls_name_mismatch", "tls_unknown_ca", "tls_expired", "client_cert_required"]
        return (*_forward(tuple(cause for cause in _FAILURE if cause not in _NO_HANDSHAKE), *order), *_NO_HANDSHAKE)
    if _speaks_plain(seen) or seen.passed_through is not None:
        return _forward(_FAILURE, "mtls_mismatch")
    return _FAILURE


def _of_termination(seen: Reading) -> tuple[str, ...]:
    """A connection that was made, and closed before an answer."""
    group = _TERMINATION if seen.answered_by == "own-sidecar" else _BEYOND
    if seen.answered_by == "peer-sidecar" or seen.tls is None:
        return group
    if seen.mesh_certificate is not None:
        # A handshake that succeeded and an end after it: both sides agree about TLS, and somebody behind it refused.
        agreed = seen.admin is not None and seen.admin.handshakes and not seen.admin.tls_failed
        return _forward(group, "mesh_denied", "closed_early") if agreed else _forward(group, "mtls_mismatch")
    if seen.shown is not None:
        return ("plain_to_tls", *(cause for cause in group if cause != "http2_only"))
    if is_http2(seen.tls.spoke):
        return _forward(group, "http2_only", "protocol_mismatch")
    if seen.tls.end == "timeout":
        return group
    # Nobody speaks TLS there, so it is no STRICT port.
    return ("closed_early", *(cause for cause in group if cause not in ("closed_early", "mtls_mismatch")), "mtls_mismatch")


def _of_silence(seen: Reading) -> tuple[str, ...]:
    """Our own connection was made, and closed before an answer."""
    if seen.about.upstream.scheme == "https":
        wanted = seen.tls is not None and seen.tls.wants_client
        return _forward(_TLS_SILENCE, "client_cert_required") if wanted else _TLS_SILENCE
    if seen.about.upstream.scheme != "http":
        return ("closed_early", "http2_only")
    group = _SILENCE if seen.about.mesh else _SILENCE_OUTSIDE
    if seen.mesh_certificate is not None:
        return _forward(group, "mtls_mismatch")
    if seen.shown is not None or (seen.tls is not None and seen.tls.shows_tls):
        return _forward(group, "plain_to_tls")
    if seen.http2:
        return _forward(group, "http2_only")
    return group


def _forward(group: tuple[str, ...], *first: str) -> tuple[str, ...]:
    return (*first, *(cause for cause in group if cause not in first))


def _speaks_plain(seen: Reading) -> bool:
    """The other end answered our ClientHello with bytes that are no TLS, and it was not our own sidecar that did."""
    return seen.tls is not None and bool(seen.tls.spoke) and b"server: envoy" not in seen.tls.spoke.lower()


def _trust_domain(spiffe_id: str) -> str:
    return spiffe_id.removeprefix("spiffe://").partition("/")[0]


def is_http2(first: bytes) -> bool:
    """Whether these are the first bytes of HTTP/2: a SETTINGS or GOAWAY frame on stream 0 (RFC 9113 §3.4, §4.1)."""
    return len(first) >= 9 and first[0] == 0 and first[3] in (4, 7) and first[5:9] == b"\x00\x00\x00\x00"
