"""Twisted's many errors in our few words, none of which has a secret."""

from __future__ import annotations

import socket

import OpenSSL.SSL
import service_identity
from twisted.internet import error as internet_error
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from meshproxy.identity.backchannel_error import BackChannelError, explained, was_cancelled
from meshproxy.identity.connect_proxy import ProxyRefused


class ExplainedTests(SynchronousTestCase):
    def test_kinds(self) -> None:
        """Each error by its kind; the host is named, and OpenSSL's reason."""
        tls = OpenSSL.SSL.Error([("SSL routines", "", "certificate verify failed")])
        table: list[tuple[Exception, str, str]] = [
            (internet_error.DNSLookupError("x"), "dns", "idp.example"),
            (socket.gaierror(), "dns", "idp.example"),
            (internet_error.TimeoutError(), "timeout", "idp.example"),
            (internet_error.TCPTimedOutError(), "timeout", "idp.example"),
            (internet_error.ConnectionRefusedError(), "connect", "ConnectionRefusedError"),
            (OSError(24, "too many"), "connect", "idp.example"),
            (internet_error.ConnectionLost(), "cut", "idp.example"),
            (internet_error.ConnectionDone(), "cut", "idp.example"),
            (ResponseNeverReceived([Failure(internet_error.ConnectionDone())]), "cut", "idp.example"),
            (ResponseFailed([Failure(internet_error.ConnectionLost())]), "cut", "idp.example"),
            (ResponseNeverReceived([Failure(tls)]), "tls", "certificate verify failed"),
            (tls, "tls", "certificate verify failed"),
            (OpenSSL.SSL.Error(), "tls", "idp.example"),
            (service_identity.VerificationError(errors=[]), "tls", "another name"),
            (ProxyRefused(407), "proxy", "407"),
            (RuntimeError("s3cret"), "not_http", "RuntimeError"),
        ]
        for error, kind, words in table:
            found = explained(error, "idp.example")
            self.assertIsInstance(found, BackChannelError)
            self.assertEqual(found.kind, kind, repr(error))
            self.assertIn(words, found.detail)
            self.assertNotIn("s3cret", str(found))

    def test_cancelled(self) -> None:
        """Our own cancellation, wrapped by an Agent, is recognised."""
        self.assertTrue(was_cancelled(ResponseNeverReceived([Failure(CancelledError())])))
        for error in (ResponseNeverReceived([Failure(internet_error.ConnectionDone())]), ValueError()):
            self.assertFalse(was_cancelled(error))
