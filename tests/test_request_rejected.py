"""What of the request did an Envoy not take?"""

from __future__ import annotations

from .support.diagnosing import BEYOND, ENVOYS, CauseTests, answered, situation, verdict


class RequestRejectedTests(CauseTests):
    """What of the request did an Envoy not take?"""

    def test_the_texts(self) -> None:
        """Its 400, 408, 413, 426, 431 and 501, each with the part that it is about."""
        for status, text, part in ((400, "Bad Request", "Host"), (408, "request timeout", "body"), (413, "Payload Too Large", "body"),
                                   (426, "Upgrade Required", "HTTP/1.0"), (431, "Request Header Fields Too Large", "60 KiB"),
                                   (501, "Not Implemented", "Transfer-Encoding"), (403, "Invalid origin", "Origin"),
                                   (400, "invalid header 'x-a' with value 'b'", "field")):
            found = self.proven("request_rejected", "own-sidecar", verdict(answered(status, text, ENVOYS)))
            self.advises(found, part)

    def test_the_same_words_of_others(self) -> None:
        """Any program may say 'Bad Request' in plain text; without an Envoy's server it is the service."""
        for server in ("gunicorn", "Kestrel"):
            self.assertEqual(
                "service_refused", verdict(answered(400, "Bad Request", {"content-type": "text/plain", "server": server})).cause
            )
        self.assertEqual("service_refused", verdict(answered(400, "Bad Request", {"content-type": "text/plain"})).cause)

    def test_an_upgrade(self) -> None:
        """An empty 403 to an upgrade, which closes, is an Envoy that does not allow it."""
        bare = {"server": "envoy", "content-length": "0", "connection": "close"}
        self.advises(self.proven("request_rejected", "own-sidecar", verdict(answered(403, "", bare), situation(upgrade=True))), "upgrade")
        found = verdict(answered(403, "", {**bare, **BEYOND}), situation(upgrade=True))
        self.likely("request_rejected", "peer-sidecar", found, "mesh_denied", "service_refused")

    def test_an_empty_400(self) -> None:
        """By the forms it is the service's; that a sidecar may have said it is told."""
        found = verdict(answered(400, "", {"server": "envoy", "content-length": "0", "connection": "close"}))
        self.assertEqual(("service", "request_rejected"), (found.answered_by, found.cause))
        self.assertIn("service_refused", found.also)
