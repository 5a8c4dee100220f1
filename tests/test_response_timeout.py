"""When was the service too slow, and when was it not the service?"""

from __future__ import annotations

from .support.diagnosing import ENVOYS, CauseTests, answered, failed, situation, verdict


class ResponseTimeoutTests(CauseTests):
    """When was the service too slow, and when was it not the service?"""

    def test_our_timer_without_a_mesh(self) -> None:
        """Our own timer is proof, and the advice names the key and its value."""
        found = self.proven("response_timeout", "nobody", verdict(failed("head", "timeout"), situation(mesh=False, response_timeout=7.0)))
        self.advises(found, "[timeouts] response in services/billing.toml", "7 s")

    def test_a_sidecar_may_still_be_connecting(self) -> None:
        """Below thirty seconds a sidecar may retry its own connect timeout, and has told us nothing yet."""
        found = verdict(failed("head", "timeout"), situation(response_timeout=5.0))
        self.likely("response_timeout", "nobody", found, "connect_timeout", "mtls_mismatch")
        self.proven("response_timeout", "nobody", verdict(failed("head", "timeout"), situation(response_timeout=60.0)))

    def test_at_the_cap(self) -> None:
        """An examination that ends by its own cap has not waited as long as the service may take."""
        found = verdict(failed("head", "timeout"), situation(mesh=False, waited=9.0, capped=True))
        self.likely("response_timeout", "nobody", found, "connect_timeout", "mtls_mismatch")

    def test_the_mesh_says_so(self) -> None:
        """Envoy's texts for times that are over; the VirtualService is to be looked at."""
        for status, text in ((504, "upstream request timeout"), (504, "stream timeout"), (408, "upstream max stream duration reached"),
                             (504, "downstream duration timeout")):
            found = self.proven("response_timeout", "own-sidecar", verdict(answered(status, text, ENVOYS)))
            self.advises(found, "VirtualService", "timeout")

    def test_a_stall_within_the_answer(self) -> None:
        """The answer began and stalled: [timeouts] idle, and perhaps it was cut."""
        found = self.likely("response_timeout", "service", verdict(failed("body", "timeout", b"HTTP/1.1 200 OK\r\n")), "response_cut")
        self.advises(found, "[timeouts] idle")
