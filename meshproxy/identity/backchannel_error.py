"""What can go wrong on the way to a provider? Twisted's many errors in a few words that an operator can act on."""

from __future__ import annotations

import socket

import OpenSSL.SSL
import service_identity
from twisted.internet import error as internet_error
from twisted.internet.defer import CancelledError
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from .connect_proxy import ProxyRefused

_WRAPPED = (ResponseFailed, ResponseNeverReceived)
_TLS_ERRORS = (OpenSSL.SSL.Error, service_identity.VerificationError, service_identity.CertificateError)


class BackChannelError(Exception):
    """The other side could not be asked, or did not answer sensibly.

    :ivar kind: ``insecure`` (the URL is neither https nor loopback), ``dns``, ``connect``, ``tls``, ``proxy``, ``timeout``, ``cut``,
        ``too_large``, ``encoding``, ``redirect``, ``status``, ``not_json`` or ``not_http``.
    :ivar detail: for the operator; host and status, never a secret, a query or a body.
    :ivar status: the status of the answer where there was one.
    """

    def __init__(self, kind: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = status


def was_cancelled(error: BaseException) -> bool:
    """Whether an Agent's error is our own cancellation, wrapped: who cancels must not read it as the provider's fault."""
    return isinstance(error, _WRAPPED) and any(failure.check(CancelledError) for failure in error.reasons)


def explained(error: BaseException, where: str) -> BackChannelError:
    """One of Twisted's many errors in our few words."""
    if isinstance(error, _WRAPPED):
        reasons = [failure.value for failure in error.reasons if isinstance(failure.value, Exception)]
        known = [explained(reason, where) for reason in reasons if isinstance(reason, _TLS_ERRORS)]
        return known[0] if known else BackChannelError("cut", f"{where} closed the connection before its answer was complete")
    if isinstance(error, _TLS_ERRORS):
        return BackChannelError("tls", f"the certificate of {where} could not be verified ({_tls_words(error)})")
    if isinstance(error, ProxyRefused):
        return BackChannelError("proxy", str(error))
    if isinstance(error, (internet_error.DNSLookupError, socket.gaierror)):
        return BackChannelError("dns", f"{where} does not resolve")
    if isinstance(error, (internet_error.TimeoutError, internet_error.TCPTimedOutError)):
        return BackChannelError("timeout", f"no connection to {where} in time")
    if isinstance(error, (internet_error.ConnectError, OSError)):
        return BackChannelError("connect", f"no connection to {where} ({type(error).__name__})")
    if isinstance(error, (internet_error.ConnectionDone, internet_error.ConnectionLost)):
        return BackChannelError("cut", f"{where} closed the connection before its answer was complete")
    return BackChannelError("not_http", f"{where} gave no usable answer ({type(error).__name__})")


def _tls_words(error: BaseException) -> str:
    if isinstance(error, OpenSSL.SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(entry[-1]) for entry in error.args[0][:3] if entry) or "TLS error"
    return "it is for another name" if isinstance(error, service_identity.VerificationError) else type(error).__name__
