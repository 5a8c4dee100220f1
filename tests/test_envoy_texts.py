"""Which bodies are Envoy's own words, in every version?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.envoy_texts import Reset, cause_of, is_text, reset_of

BEFORE = b"upstream connect error or disconnect/reset before headers"


class ResetTests(SynchronousTestCase):
    """The router's reset text and its parts."""

    def test_every_version(self) -> None:
        """Without reason (old), with one, retried, underscored, with the transport's reason."""
        for body, parts in (
            (b"", Reset("", "", False)),
            (b". reset reason: connection failure", Reset("connection failure", "", False)),
            (b". retried and the latest reset reason: remote connection failure", Reset("remote connection failure", "", True)),
            (b". reset reason: connection_termination", Reset("connection termination", "", False)),
            (b". reset reason: connection failure, transport failure reason: TLS error: 268435581:SSL",
             Reset("connection failure", "TLS error: 268435581:SSL", False)),
            (b". reset reason: remote reset (no error)", Reset("remote reset (no error)", "", False)),
            (b". reset reason: HTTP/1 premature upstream half close", Reset("http/1 premature upstream half close", "", False)),
        ):
            self.assertEqual(parts, reset_of(BEFORE + body))

    def test_the_whole_body_or_nothing(self) -> None:
        """A byte before or after makes it somebody else's."""
        for body in (b" " + BEFORE, BEFORE + b".", BEFORE + b". reset reason: ", BEFORE + b". reset reason: x\r\n"):
            self.assertIsNone(reset_of(body))

    def test_a_transport_reason_is_bounded(self) -> None:
        """No text is longer than what is held of an answer."""
        self.assertIsNone(reset_of(BEFORE + b". reset reason: connection failure, transport failure reason: " + b"x" * 2000))


class TextTests(SynchronousTestCase):
    """The other texts."""

    def test_with_their_status(self) -> None:
        """A text counts only with a status that it comes with."""
        self.assertTrue(is_text(503, b"no healthy upstream"))
        self.assertFalse(is_text(200, b"no healthy upstream"))
        self.assertTrue(is_text(403, b"Audiences in Jwt are not allowed"))
        self.assertFalse(is_text(500, b"Jwt is missing"))
        self.assertTrue(is_text(400, b"invalid header 'x-envoy-max-retries' with value 'banana'"))

    def test_what_they_tell(self) -> None:
        """Each proves one cause; the reset text has to be read."""
        self.assertEqual("no_endpoints", cause_of(b"no healthy upstream"))
        self.assertEqual("jwt_rejected", cause_of(b"Jwks remote fetch is failed"))
        self.assertEqual("", cause_of(BEFORE))
