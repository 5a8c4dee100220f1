"""What does the other side of a TLS handshake show? A ClientHello to any port, judged by nobody, to see who speaks TLS there.

Through a sidecar it falls through to the original destination, because it is no HTTP, so that the *peer's own* certificate
becomes visible, and whether it asks for one of ours (diagnosis.md §3). No byte of a request and no certificate of ours is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from twisted.internet.abstract import isIPAddress, isIPv6Address

from ..core.diagnosis import TlsSeen
from ..core.diagnosis.certificate import read_certificate
from ..core.places import Upstream
from ..upstream.failures import tls_reasons
from .talking import Port, Talk

_RECORD_TYPES = (0x14, 0x15, 0x16, 0x17)
_KEPT_BYTES = 400
_MESH_ALPN = [b"istio"]
"""What the sidecars of Istio say to each other: where mutual TLS is an offer and no duty, a ClientHello without it goes elsewhere."""


async def say_hello(port: Port, server_name: str, within: float) -> TlsSeen:
    """Who speaks TLS there. A second ClientHello, in the way of sidecars, follows where the first was not answered by a certificate."""
    seen = await _hello(port, server_name, [], within / 2)
    if seen.certificate is not None or seen.end in ("refused", "unreachable", "dns", "timeout", "plain"):
        return seen
    second = await _hello(port, server_name, _MESH_ALPN, within / 2)
    return second if second.certificate is not None else seen


def server_name_for(upstream: Upstream, server_name: str | None) -> str:
    """The name in the ClientHello; "" for addresses and sockets."""
    name = server_name or upstream.host.strip("[]")
    return "" if isIPAddress(name) or isIPv6Address(name) or upstream.scheme in ("unix", "sample") else name


async def _hello(port: Port, server_name: str, alpn: list[bytes], within: float) -> TlsSeen:
    talk = _Handshake(server_name, alpn)
    heard = await port.talk(talk, within)
    certificate = read_certificate(talk.certificate) if talk.certificate is not None else None
    end = talk.outcome or heard.end
    spoke = talk.received if talk.outcome == "plain" else b""
    return TlsSeen(end, certificate, talk.wants_client, talk.accepts, tuple(talk.issuers), talk.alert, spoke)


class _Handshake(Talk):
    """A TLS client that believes everything."""

    def __init__(self, server_name: str, alpn: list[bytes]) -> None:
        super().__init__(b"", lambda _: False)
        self.certificate: bytes | None = None
        self.wants_client = False
        self.accepts: tuple[str, ...] = ()
        self.issuers: list[str] = []
        self.alert = ""
        self.outcome = ""
        self._tls = SSL.Connection(self._context(alpn), None)
        if server_name:
            try:
                self._tls.set_tlsext_host_name(server_name.encode("idna"))
            except UnicodeError:
                pass  # a name that no ClientHello can hold: then without
        self._tls.set_connect_state()

    def _context(self, alpn: list[bytes]) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_PEER, self._look)
        context.set_info_callback(self._watch)
        # Whoever still speaks what we would not is to be seen all the same.
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        if alpn:
            context.set_alpn_protos(alpn)
        return context

    def _look(self, connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int) -> bool:
        found: x509.Certificate = certificate.to_cryptography()
        self.issuers.append(_distinguished((part.rfc4514_attribute_name, str(part.value)) for part in found.issuer))
        if depth == 0:
            self.certificate = found.public_bytes(Encoding.DER)
        return True

    def _watch(self, connection: SSL.Connection, where: int, value: int) -> None:
        if b"certificate request" in connection.get_state_string():
            self.wants_client = True

    def connectionMade(self) -> None:
        """Say hello."""
        self._go_on()

    def dataReceived(self, data: bytes) -> None:
        """Feed the handshake, unless it is none."""
        if len(self.received) < _KEPT_BYTES:
            self.received += data[: _KEPT_BYTES - len(self.received)]
        if self.received[0] not in _RECORD_TYPES or self.received[1:2] not in (b"\x03", b""):
            self.outcome = "plain"
            if len(self.received) == _KEPT_BYTES or b"\r\n\r\n" in self.received:
                self.tell("enough")
            return
        self._tls.bio_write(data)
        self._go_on()

    def _go_on(self) -> None:
        try:
            self._shake()
        except SSL.WantReadError:
            self._flush()
            return
        except SSL.Error as error:
            self._flush()
            self.alert = "; ".join(tls_reasons(error)) or "the handshake failed"
            self.outcome = "tls"
            self.tell("enough")
            return
        self.outcome = "handshake"
        self.tell("enough")

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        finally:
            if self.wants_client and not self.accepts:
                self.accepts = tuple(
                    _distinguished((key.decode("ascii"), value.decode("utf-8", "replace")) for key, value in name.get_components())
                    for name in self._tls.get_client_ca_list()
                )

    def _flush(self) -> None:
        while True:
            try:
                self.say(self._tls.bio_read(16384))
            except SSL.Error:
                return


def _distinguished(parts: Iterable[tuple[str, str]]) -> str:
    """A name in one form, whichever library read it."""
    return ",".join(sorted(f"{key}={value}" for key, value in parts))


def in_words(seen: TlsSeen) -> str:
    """One line for people."""
    said: dict[str, str] = {
        "eof": "closed at once, without a byte", "reset": "reset at once", "timeout": "no answer to a ClientHello", "refused": "refused",
        "unreachable": "no route", "dns": "the name does not resolve", "plain": f"no TLS: {_first(seen.spoke)}",
    }
    if seen.certificate is None:
        return said.get(seen.end) or f"TLS, and no certificate: {seen.alert or seen.end}"
    wants = "; asks for a client certificate" if seen.wants_client else ""
    return f"{seen.certificate}{wants}{f'; {seen.alert}' if seen.alert else ''}"


def _first(spoke: Any) -> str:
    return repr(bytes(spoke[:40]))[1:]
