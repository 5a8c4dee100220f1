"""How do browsers (and gateways) reach us under TLS? ``listen = ["tls:PORT"]``: certificates by SNI, clients asked for theirs.

TLS 1.2 or later, HTTP/1.1 alone, no early data. The files are read again when they change, for new connections; what
cannot be used is reported and the old stays in use (diagnosis.md §5).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IStreamServerEndpoint
from zope.interface import implementer

from ..config.listeners import BACKLOG, parse_listener, with_backlog
from ..problems import ConfError, Problem
from ..settings import ListenCertificate, ListenTls

_ASK = {
    "none": SSL.VERIFY_NONE,
    "optional": SSL.VERIFY_PEER,
    "required": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The contexts of one reading of the files: the default one, and by name (lower case, ``*.`` for one label)."""

    default: SSL.Context
    by_name: dict[str, SSL.Context]

    def covers(self, host: str) -> bool:
        return host in self.by_name or _wildcard(host) in self.by_name

    def of(self, host: str) -> SSL.Context:
        return self.by_name.get(host) or self.by_name.get(_wildcard(host)) or self.default


@implementer(IOpenSSLServerConnectionCreator)
class DownstreamTls:
    """TLS of our listeners.

    :raises ConfError: when one of the files cannot be used.
    """

    def __init__(self, settings: ListenTls) -> None:
        self._settings = settings
        loaded = self._load()
        if isinstance(loaded, Problem):
            raise ConfError((loaded,))
        self._loaded: _Loaded = loaded

    def reload(self, settings: ListenTls | None = None) -> Problem | None:
        """Read the files again, for new connections. What cannot be used is returned, and the old stays in use.

        :param settings: which files, where that has changed.
        """
        old, self._settings = self._settings, settings or self._settings
        loaded = self._load()
        if isinstance(loaded, Problem):
            self._settings = old
            return loaded
        self._loaded = loaded
        return None

    def covers(self, host: str) -> bool:
        """Whether one of the certificates names the host: a request for another one got here by mistake (RFC 9110 §15.5.20)."""
        return not self._loaded.by_name or self._loaded.covers(host)

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """See :class:`twisted.internet.interfaces.IOpenSSLServerConnectionCreator`."""
        return SSL.Connection(self._loaded.default, None)

    def _load(self) -> _Loaded | Problem:
        by_name: dict[str, SSL.Context] = {}
        contexts: list[SSL.Context] = []
        for certificate in self._settings.certificates:
            context = self._context(certificate)
            if isinstance(context, Problem):
                return context
            contexts.append(context)
            for name in _names(certificate.cert_file):
                by_name.setdefault(name, context)
        loaded = _Loaded(contexts[0], by_name)
        for context in contexts:
            context.set_tlsext_servername_callback(lambda connection: _choose(connection, loaded))
        return loaded

    def _context(self, certificate: ListenCertificate) -> SSL.Context | Problem:
        settings = self._settings
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_session_id(b"meshproxy")
        context.set_alpn_select_callback(lambda _, offered: b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
        context.set_passwd_cb(lambda *_: b"")  # an encrypted key must be an error, not a question on the terminal
        key, path = "", Path()
        try:
            key, path = "cert_file", certificate.cert_file
            context.use_certificate_chain_file(str(path))
            key, path = "key_file", certificate.key_file
            context.use_privatekey_file(str(path))
            context.check_privatekey()
            if settings.client_ca_file is not None and settings.client_cert != "none":
                key, path = "client_ca_file", settings.client_ca_file
                context.load_client_ca(str(path).encode())
                context.load_verify_locations(str(path))
                context.set_verify(_ASK[settings.client_cert])
        except SSL.Error:
            return Problem(path, f"tls.{key}", "cannot be used: it is missing, no PEM, or the key is not the certificate's")
        return context


def _choose(connection: SSL.Connection, loaded: _Loaded) -> None:
    name = connection.get_servername()
    if name:
        connection.set_context(loaded.of(name.decode("ascii", "replace").lower()))


def _wildcard(host: str) -> str:
    return "*." + host.partition(".")[2]


def _names(path: Path) -> list[str]:
    """The DNS names of the first certificate of a file (it has been loaded already, so it can be read)."""
    certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def spiffe_id(certificate: x509.Certificate) -> str | None:
    """The SPIFFE id of a client certificate: its only URI name, where that is one (SPIFFE X.509-SVID §2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if len(uris) == 1 and uris[0].startswith("spiffe://") else None


def listen_endpoint(reactor: Any, text: str, tls: DownstreamTls | None) -> IStreamServerEndpoint:
    """The endpoint of one ``listen`` string: ``tls:PORT`` is ours, everything else Twisted's."""
    listener = parse_listener(text)
    if listener.kind != "tls" or tls is None:
        return serverFromString(reactor, with_backlog(text))
    return SSL4ServerEndpoint(
        reactor, listener.port or 0, tls, int(listener.options.get("backlog", BACKLOG)), listener.options.get("interface", ""))
