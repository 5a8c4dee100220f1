"""When is an error the service's own?"""

from __future__ import annotations

from .support.diagnosing import BEYOND, CauseTests, answered, situation, verdict


class ServiceErrorTests(CauseTests):
    """When is an error the service's own?"""

    def test_its_own_5xx(self) -> None:
        """Any 5xx that is nobody else's; its log is to be read."""
        for status, body, fields in (
            (500, "{}", {"content-type": "application/json"}), (503, "down", {"content-type": "text/html", "server": "envoy"}),
                                     (502, "Bad Gateway from my own", {"content-type": "text/plain", "server": "envoy"}), (599, "", {})):
            found = self.proven("service_error", "service", verdict(answered(status, body, fields)))
            self.advises(found, "log", "X-Request-Id")

    def test_without_a_mesh(self) -> None:
        """Jetty's and gunicorn's own pages are no proxy's."""
        for body in ("<html><head><title>Error 503 Service Unavailable</title></head><body>Powered by Jetty:// 12</body></html>",
                     "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
                     "    <h1><p>Internal Server Error</p></h1>"):
            self.proven("service_error", "service", verdict(answered(503, body, {"content-type": "text/html"}), situation(mesh=False)))

    def test_an_empty_answer_from_beyond(self) -> None:
        """May be its own or its sidecar's."""
        found = verdict(answered(503, "", {"server": "envoy", "content-length": "0", **BEYOND}))
        self.assertIn("service_error", found.also)
