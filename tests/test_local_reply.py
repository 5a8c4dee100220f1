"""Which answers are certainly a sidecar's, so that another page takes their place? (diagnosis.md §6)"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import local_reply
from meshproxy.core.heads import Field

TEXT = (b"content-type", b"text/plain")
ENVOY = (b"server", b"envoy")
RESET = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
LEGACY = RESET + b", transport failure reason: delayed connect error: 111"
EMPTY: list[Field] = [ENVOY, (b"content-length", b"0"), (b"date", b"x")]


class CertainTests(SynchronousTestCase):
    """Certain is what has the whole form, and nothing else."""

    def test_whole_texts(self) -> None:
        """The body is one of Envoy's texts, with a status that it comes with."""
        for status, body in ((503, RESET), (503, LEGACY), (502, RESET.replace(b"connection termination", b"protocol error")),
                             (503, b"no healthy upstream"), (403, b"RBAC: access denied"), (401, b"Jwt is expired"),
                             (504, b"upstream request timeout"), (429, b"local_rate_limited"), (400, b"Bad Request")):
            self.assertTrue(local_reply.certain(status, [TEXT, ENVOY], body), body)
            self.assertTrue(local_reply.may_be(status, [TEXT, ENVOY], len(body), False), body)

    def test_from_beyond_our_sidecar(self) -> None:
        """A text of the peer's sidecar is a sidecar's all the same."""
        self.assertTrue(local_reply.certain(503, [TEXT, ENVOY, (b"x-envoy-upstream-service-time", b"2")], RESET))

    def test_quotations(self) -> None:
        """Nothing that merely quotes it: another type, another status, a byte more, a program's own field, another server, none."""
        for status, fields, body in (
            (503, [(b"content-type", b"text/plain; charset=utf-8"), ENVOY], RESET),
            (503, [(b"content-type", b"application/json"), ENVOY], RESET),
            (503, [TEXT, ENVOY], RESET + b"\n"), (503, [TEXT, ENVOY], b"I got: " + RESET), (404, [TEXT, ENVOY], RESET),
            (503, [TEXT, ENVOY, (b"Set-Cookie", b"a=b")], RESET), (503, [TEXT, ENVOY, (b"X-Powered-By", b"Express")], RESET),
            (503, [TEXT, (b"server", b"gunicorn")], RESET), (503, [TEXT], RESET), (200, [TEXT, ENVOY], RESET),
            (500, [TEXT, ENVOY], b"Bad Request"),
        ):
            self.assertFalse(local_reply.certain(status, fields, body), (status, fields, body))

    def test_empty_answers(self) -> None:
        """An empty 502 or 503 of our own sidecar; never a 403 or 404, never from beyond, never beside a service's field."""
        for status in (502, 503):
            self.assertTrue(local_reply.certain(status, EMPTY, b""))
            self.assertTrue(local_reply.may_be(status, EMPTY, 0, False))
            self.assertFalse(local_reply.certain(status, [*EMPTY, (b"x-envoy-upstream-service-time", b"1")], b""))
            self.assertFalse(local_reply.certain(status, [*EMPTY, (b"retry-after", b"9")], b""))
            self.assertFalse(local_reply.certain(status, EMPTY[1:], b""))
        for status in (200, 403, 404, 500, 504):
            self.assertFalse(local_reply.certain(status, EMPTY, b""))


class MayBeTests(SynchronousTestCase):
    """What need not be looked at is not held."""

    def test_never(self) -> None:
        """No answer to a HEAD, none below 400, none that is longer than any text, none of another type."""
        self.assertFalse(local_reply.may_be(503, [TEXT, ENVOY], len(RESET), True))
        self.assertFalse(local_reply.may_be(200, [TEXT, ENVOY], 10, False))
        self.assertFalse(local_reply.may_be(503, [TEXT, ENVOY], local_reply.LONGEST + 1, False))
        self.assertFalse(local_reply.may_be(503, [(b"content-type", b"text/plain;charset=utf-8")], 10, False))
        self.assertFalse(local_reply.may_be(404, EMPTY, 0, False))

    def test_of_unknown_length(self) -> None:
        """A chunked one may be."""
        self.assertTrue(local_reply.may_be(503, [(b"Content-Type", b"text/plain")], None, False))


class GrpcTests(SynchronousTestCase):
    """The gRPC way of saying it."""

    def test_the_text_in_a_field(self) -> None:
        """200, grpc-status, and the text in grpc-message."""
        names = {b"content-type": b"application/grpc", b"grpc-status": b"14", b"grpc-message": RESET}
        self.assertEqual(RESET, local_reply.grpc_text(200, names))
        self.assertEqual(b"", local_reply.grpc_text(200, {**names, b"grpc-message": b"out of stock"}))
        self.assertEqual(b"", local_reply.grpc_text(503, names))
