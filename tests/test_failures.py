"""From exceptions to the words of the evidence."""

from __future__ import annotations

import errno

from OpenSSL import SSL
from twisted.internet import error
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.upstream.failures import connect_end, loss_of, tls_reasons


class ConnectEnds(SynchronousTestCase):
    def test_ends(self) -> None:
        """Each way a connection attempt fails has its own word."""
        for value, end in (
            (error.ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "refused"),
            (error.getConnectError((errno.ENOENT, "No such file")), "refused"),
            (error.getConnectError((errno.EACCES, "denied")), "refused"),
            (error.NoRouteError(errno.ENETUNREACH, "no route"), "unreachable"),
            (error.getConnectError((errno.EHOSTUNREACH, "x")), "unreachable"),
            (error.TimeoutError(), "timeout"),
            (error.getConnectError((errno.ETIMEDOUT, "x")), "timeout"),
            (error.DNSLookupError("no results for hostname lookup: x"), "dns"),
            (error.UnknownHostError(), "dns"),
            (UnicodeError("label too long"), "dns"),
            (error.ConnectBindError(errno.EMFILE, "Too many open files"), "overload"),
        ):
            self.assertEqual(connect_end(Failure(value))[0], end, value)

    def test_errno(self) -> None:
        """The socket's errno is kept."""
        self.assertEqual(connect_end(Failure(error.ConnectionRefusedError(111, "Connection refused")))[1], 111)
        self.assertEqual(connect_end(Failure(error.TimeoutError()))[1], errno.ETIMEDOUT)


class Losses(SynchronousTestCase):
    def test_ends(self) -> None:
        """FIN, RST, our own abort and TLS are told apart; only a FIN is clean."""
        for value, end, clean in (
            (error.ConnectionDone(), "eof", True),
            (error.ConnectionLost(), "reset", False),
            (error.ConnectionAborted(), "aborted", False),
            (SSL.Error([("SSL routines", "", "wrong version number")]), "tls", False),
            (RuntimeError("secret"), "aborted", False),
        ):
            loss = loss_of(Failure(value))
            self.assertEqual((loss.end, loss.clean), (end, clean))

    def test_tls_reasons(self) -> None:
        """OpenSSL's reasons are found in every form, through causes, and once each."""
        inner = SSL.Error([("SSL routines", "f", "certificate verify failed"), ("x509", "", "certificate verify failed")])
        outer = RuntimeError("outer")
        outer.__cause__ = inner
        self.assertEqual(tls_reasons(outer), ("certificate verify failed",))
        self.assertEqual(tls_reasons(SSL.SysCallError(-1, "Unexpected EOF")), ("Unexpected EOF",))
        self.assertEqual(loss_of(Failure(SSL.Error([("a", "b", "tlsv1 alert unknown ca")]))).reasons, ("tlsv1 alert unknown ca",))

    def test_words_are_bounded(self) -> None:
        """What a library says is one line of bounded length."""
        self.assertEqual(loss_of(Failure(RuntimeError("secret"))).words, "RuntimeError")
        words = loss_of(Failure(OSError("a\nb" * 1000))).words
        self.assertLessEqual(len(words), 200)
        self.assertNotIn("\n", words)
