"""What if the answer breaks off?"""

from __future__ import annotations

from .support.diagnosing import CauseTests, failed, verdict


class ResponseCutTests(CauseTests):
    """What if the answer breaks off?"""

    def test_inside_the_body(self) -> None:
        """An end inside the answer is proof, and the answer was the service's."""
        for end in ("eof", "reset"):
            found = self.proven("response_cut", "service", verdict(failed("body", end, b"HTTP/1.1 200 OK\r\n", status=200)))
            self.advises(found, "kubectl logs -n finance svc/billing")
            self.assertEqual(200, found.status)

    def test_inside_the_head(self) -> None:
        """A head that breaks off was HTTP all the same."""
        self.proven("response_cut", "nobody", verdict(failed("head", "eof", b"HTTP/1.1 200 OK\r\nConte")))
        self.proven("response_cut", "nobody", verdict(failed("head", "eof", b"HT")))
