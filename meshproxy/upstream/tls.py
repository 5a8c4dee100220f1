"""Whom do we talk to under TLS? Trust, identity and our own certificate towards one service (diagnosis.md §5).

The certificate is judged inside the handshake, so a wrong one never sees ours nor a byte of a request; what was seen of it is
kept, because the diagnosis quotes it. There is no early data (0-RTT), and no protocol but HTTP/1.1 is offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from ..problems import ConfError, Problem
from ..settings import UpstreamTls
from .failures import Loss, tls_reasons

# OpenSSL's own words (X509_verify_cert_error_string), which pyOpenSSL does not hand out.
_VERIFY_WORDS = {
    2: "unable to get issuer certificate", 7: "certificate signature failure", 9: "certificate is not yet valid",
    10: "certificate has expired", 18: "self-signed certificate", 19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate", 21: "unable to verify the first certificate", 22: "certificate chain too long",
    24: "invalid CA certificate", 26: "unsuitable certificate purpose", 66: "EE certificate key too weak", 79: "invalid CA certificate",
}
_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


class Witness:
    """What one handshake saw of the other side.

    :ivar certificate: the certificate it showed (DER); where the chain already broke above it, the one at the break.
    :ivar problem: why it was not accepted; "" when it was, or was never judged.
    """

    __slots__ = ("certificate", "problem")

    def __init__(self) -> None:
        self.certificate: bytes | None = None
        self.problem = ""

    def explain(self, loss: Loss, tcp_clean: bool | None) -> Loss:
        """The loss of the connection, told with what the handshake knows."""
        if self.problem and loss.end in ("tls", "aborted"):
            return loss._replace(end="tls", words=self.problem, reasons=(*loss.reasons, self.problem))
        if loss.end == "reset" and tcp_clean:
            # TCP ended in order, TLS did not: perhaps somebody cut the answer (RFC 8446 §6.1).
            return loss._replace(end="eof", words="closed without close_notify")
        return loss


class _Transport(BufferingTLSTransport):
    """Tells the connection how TCP ended, which TLS hides behind its own reason."""

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.wrappedProtocol.tcp_clean = reason.check(ConnectionDone) is not None  # type: ignore[attr-defined]
        super().connectionLost(reason)


class _Factory(TLSMemoryBIOFactory):
    protocol = _Transport
    noisy = False


@implementer(IOpenSSLClientConnectionCreator)
class TlsContext:
    """TLS towards one service. It watches no file itself: whoever does calls :meth:`reload`.

    :param settings: the service's ``[tls]``.
    :param host: the upstream's host, without brackets: SNI and the name to be proven, unless ``server_name`` says otherwise.
    :raises ConfError: when one of the files cannot be used.
    """

    def __init__(self, settings: UpstreamTls, host: str) -> None:
        self._settings = settings
        self._name = settings.server_name or host
        self._is_address = isIPAddress(self._name) or isIPv6Address(self._name)
        try:
            self._sni = b"" if self._is_address else self._name.encode("idna")
        except UnicodeError:
            raise ConfError((Problem("", "tls.server_name", f"{self._name!r} is no host name"),)) from None
        context = self._load()
        if isinstance(context, Problem):
            raise ConfError((context,))
        self._context: SSL.Context = context

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read."""
        settings = self._settings
        return tuple(path for path in (settings.ca_file, settings.cert_file, settings.key_file) if path is not None)

    def reload(self) -> Problem | None:
        """Read the files again, for new connections. What cannot be used is returned, and the old stays in use."""
        context = self._load()
        if isinstance(context, Problem):
            return context
        self._context = context
        return None

    def factory(self, wrapped: Any, clock: Any) -> TLSMemoryBIOFactory:
        """A factory of TLS connections around those of ``wrapped``."""
        return _Factory(self, True, wrapped, clock)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """See :class:`twisted.internet.interfaces.IOpenSSLClientConnectionCreator`."""
        connection = SSL.Connection(self._context, None)
        tlsProtocol.wrappedProtocol.witness = Witness()
        # Newer Twisted does the same after us, older does not.
        connection.set_app_data(tlsProtocol)
        if self._sni:
            connection.set_tlsext_host_name(self._sni)
        connection.set_connect_state()
        return connection

    def _load(self) -> SSL.Context | Problem:
        """A fresh context from the files, or the first thing that is wrong with them."""
        settings = self._settings
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(_VERSIONS[settings.min_version])
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_alpn_protos([b"http/1.1"])
        # An encrypted key must be an error, not a question on the terminal.
        context.set_passwd_cb(lambda *_: b"")
        context.set_verify(SSL.VERIFY_PEER if settings.verify else SSL.VERIFY_NONE, self._judge)
        key, path = "", Path()
        try:
            if settings.ca_file is not None:
                key, path = "ca_file", settings.ca_file
                context.load_verify_locations(str(path))
                # An intermediate of the operator's choice is as good an anchor as a root.
                context.get_cert_store().set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # type: ignore[union-attr]
            else:
                context.set_default_verify_paths()
            if settings.cert_file is not None and settings.key_file is not None:
                key, path = "cert_file", settings.cert_file
                context.use_certificate_chain_file(str(path))
                key, path = "key_file", settings.key_file
                context.use_privatekey_file(str(path))
                context.check_privatekey()
        except SSL.Error as error:
            return Problem(path, f"tls.{key}", f"cannot be used: {_why(path, error)}")
        return context

    def _judge(self, connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int) -> bool:
        """OpenSSL's question about one certificate of the chain; fails closed."""
        witness: Witness = connection.get_app_data().wrappedProtocol.witness
        leaf = certificate.to_cryptography()
        if depth == 0 or not ok:
            witness.certificate = leaf.public_bytes(Encoding.DER)
        if not self._settings.verify:
            return True
        if not ok:
            witness.problem = _VERIFY_WORDS.get(number, f"verify error {number}")
            return False
        if depth == 0:
            witness.problem = self._identity_problem(leaf)
        return not witness.problem

    def _identity_problem(self, certificate: x509.Certificate) -> str:
        """Why the (trusted) certificate is not the service's; "" when it is."""
        try:
            if self._settings.spiffe_id is not None:
                ids = _names(certificate, x509.UniformResourceIdentifier)
                # Exactly one (SPIFFE X.509-SVID §2): a certificate for several workloads proves none.
                return "" if ids == [self._settings.spiffe_id] else _mismatch(ids, self._settings.spiffe_id)
            if self._is_address:
                verify_certificate_ip_address(certificate, self._name)
            else:
                verify_certificate_hostname(certificate, self._name)
        except (VerificationError, CertificateError, ValueError):
            return _mismatch(_all_names(certificate), self._name)
        return ""


def _names(certificate: x509.Certificate, kind: Any) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name) for name in extension.value.get_values_for_type(kind)]


def _all_names(certificate: x509.Certificate) -> list[str]:
    return [name for kind in (x509.DNSName, x509.IPAddress, x509.UniformResourceIdentifier) for name in _names(certificate, kind)]


def _mismatch(names: list[str], wanted: str) -> str:
    shown = ", ".join(names[:5])[:200] or "no name at all"
    return f"name mismatch: the certificate is for {shown}, not for {wanted}"


def _why(path: Path, error: SSL.Error) -> str:
    """OpenSSL's words for a file, which are poor where the file cannot even be opened."""
    try:
        with path.open("rb"):
            pass
    except OSError as problem:
        return problem.strerror or "it cannot be read"
    return "; ".join(tls_reasons(error)) or "no usable PEM in it"
