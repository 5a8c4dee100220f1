"""What does all the evidence say, before anybody asks why? Evidence, situation and probes, read once for all rules.

Everything here is a fact or a comparison of facts; opinions about the cause are the rules' (:mod:`.causes`).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TypeVar

from ..evidence import Evidence
from . import envoy_texts, local_reply, proxies
from .certificate import CertificateFacts, read_certificate
from .sightings import AdminSeen, HostSeen, Http2Seen, PlainSeen, SecondSeen, TlsSeen
from .values import AnsweredBy, Probe, Situation

_S = TypeVar("_S")
_QUOTED_BYTES = 40
_LONGEST_WORDS = 160
_TOKEN = re.compile(r"[A-Za-z0-9+/=._~-]{20,}")


class Reading:
    """The facts of one failed (or good) request.

    :ivar evidence: what the connection did and the answer that came.
    :ivar about: what was meant to happen.
    :ivar names: the answer's fields by lower-case name.
    :ivar local: the form of the answer if it is that of an Envoy's own: ``text``, ``empty`` or "".
    :ivar text: Envoy's text, where ``local`` is ``text``.
    """

    def __init__(self, evidence: Evidence, about: Situation, probes: tuple[Probe, ...] = ()) -> None:
        self.evidence = evidence
        self.about = about
        self.probes = probes
        self.names = local_reply.named(evidence.fields)
        self.text = b""
        self.local = ""
        status = evidence.status
        if status is None or evidence.end != "answered":
            return
        grpc = local_reply.grpc_text(status, self.names)
        if grpc:
            self.local, self.text = "text", grpc
        elif evidence.body and evidence.body_complete:
            if local_reply.is_text_form(status, self.names, evidence.body, mesh=about.mesh):
                self.local, self.text = "text", evidence.body
        elif self.bodiless and local_reply.is_empty_form(status, self.names):
            self.local = "empty"

    # ---------------------------------------------------------------- the answer

    @property
    def status(self) -> int | None:
        """Of the final answer, if one came whole enough to be one."""
        return self.evidence.status if self.evidence.end == "answered" else None

    @property
    def bodiless(self) -> bool:
        """There is no body, as far as anybody knows."""
        evidence = self.evidence
        return not evidence.body and (evidence.body_complete or self.names.get(b"content-length") == b"0")

    @cached_property
    def answered_by(self) -> AnsweredBy:
        """Who answered (diagnosis.md §2)."""
        from .answered_by import answered_by

        return answered_by(self)

    @property
    def from_beyond(self) -> bool:
        """The answer passed through a sidecar: it says how long its upstream took."""
        return local_reply.SERVICE_TIME in self.names

    @cached_property
    def reset(self) -> envoy_texts.Reset | None:
        """The parts of Envoy's reset text, where the answer is one."""
        return envoy_texts.reset_of(self.text) if self.local == "text" else None

    @cached_property
    def proxy(self) -> str:
        """The name of the other proxy whose own error page this is; "" when it is nobody's."""
        if self.status is None or self.local or self.status < 400:
            return ""
        return proxies.page_of(self.status, self.names, self.evidence.body, mesh=self.about.mesh)

    @property
    def silent(self) -> bool:
        """A connection was there and ended without a byte of an answer."""
        evidence = self.evidence
        return evidence.phase in ("send", "head") and evidence.end in ("eof", "reset") and not evidence.received_bytes

    @property
    def quoted(self) -> str:
        """The first bytes, as a person can read them."""
        return quote(self.evidence.first_bytes)

    @property
    def words(self) -> str:
        """All that TLS and the socket said, in lower case."""
        return " ".join((*self.evidence.tls_reasons, self.evidence.error)).lower()

    def field(self, name: bytes) -> str:
        """A field of the answer, printable; "" where it has none."""
        return printable(self.names.get(name, b"").decode("utf-8", "replace"))

    # ---------------------------------------------------------------- certificates

    @cached_property
    def certificate(self) -> CertificateFacts | None:
        """The certificate that the other side showed to our own handshake."""
        der = self.evidence.peer_certificate
        return read_certificate(der) if der is not None else None

    @property
    def shown(self) -> CertificateFacts | None:
        """The certificate of the other end: from the TLS probe, else from our own handshake."""
        return self.tls.certificate if self.tls is not None and self.tls.certificate is not None else self.certificate

    @property
    def mesh_certificate(self) -> CertificateFacts | None:
        """The peer's certificate, where it is a workload's of a mesh."""
        shown = self.shown
        return shown if shown is not None and shown.spiffe_id else None

    # ---------------------------------------------------------------- probes

    def _seen(self, kind: type[_S]) -> list[_S]:
        return [probe.seen for probe in self.probes if isinstance(probe.seen, kind)]

    @cached_property
    def tls(self) -> TlsSeen | None:
        """The ClientHello to the same port."""
        return next(iter(self._seen(TlsSeen)), None)

    @cached_property
    def plain(self) -> PlainSeen | None:
        """The plain request to a port configured as TLS."""
        return next(iter(self._seen(PlainSeen)), None)

    @cached_property
    def http2(self) -> bool:
        """The port answers the HTTP/2 preface (asked only where no sidecar would answer for it)."""
        return any(seen.speaks for seen in self._seen(Http2Seen))

    @cached_property
    def second(self) -> SecondSeen | None:
        """The request once more after a redirect."""
        return next(iter(self._seen(SecondSeen)), None)

    @cached_property
    def admin(self) -> AdminSeen | None:
        """Our sidecar's admin, where it answered."""
        return next((seen for seen in self._seen(AdminSeen) if seen.reachable), None)

    @cached_property
    def hosts(self) -> dict[str, HostSeen]:
        """The other Hosts that were tried, by their form."""
        return {seen.form: seen for seen in self._seen(HostSeen)}

    @cached_property
    def signature(self) -> str:
        """The outcome, to be compared with those of other Hosts."""
        return signature(self)

    @property
    def same_as_invented(self) -> bool | None:
        """Whether a Host that nobody has gets the same outcome; ``None`` when that was not tried."""
        invented = self.hosts.get("invented")
        return None if invented is None else invented.signature == self.signature

    @property
    def better_host(self) -> HostSeen | None:
        """A name of the upstream that fares otherwise, while the Host sent fares like an invented one."""
        if not self.same_as_invented:
            return None
        for form, seen in self.hosts.items():
            if form not in ("invented", "public") and seen.signature != self.signature:
                return seen
        return None

    @property
    def public_host_served(self) -> bool:
        """The service, which refused, answers to the name that browsers use."""
        public = self.hosts.get("public")
        return public is not None and public.answered_by == "service" and public.status is not None and public.status < 400

    @property
    def passed_through(self) -> HostSeen | None:
        """The invented Host reached the service itself: what the sidecar sends there unencrypted is understood."""
        invented = self.hosts.get("invented")
        return invented if invented is not None and invented.answered_by == "service" else None


def signature(seen: Reading) -> str:
    """What two outcomes have in common: who answered with what status and, of an Envoy, with which reason."""
    evidence = seen.evidence
    if seen.status is None:
        return f"{evidence.phase} {evidence.end}"
    reset = seen.reset
    what = reset.reason if reset is not None else seen.text.decode("latin-1") or seen.local
    return f"{seen.status} {seen.answered_by} {what}"


def quote(first: bytes) -> str:
    """Bytes of a stranger in quotes, escaped, at most 40 of them (diagnosis.md §3, ``not_http``)."""
    return repr(first[:_QUOTED_BYTES])[1:]


def quote_text(body: bytes) -> str:
    """The beginning of a stranger's text, without anything in it that might be a token; "" where it is a page."""
    begins = body[:_LONGEST_WORDS]
    return "" if b"<" in begins else printable(_TOKEN.sub("…", begins.decode("utf-8", "replace")))


def printable(words: str, longest: int = _LONGEST_WORDS) -> str:
    """A stranger's words on one line and of bounded length."""
    return "".join(letter if letter.isprintable() else " " for letter in words).strip()[:longest]
