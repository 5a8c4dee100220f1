"""Which proxy answered by itself?"""

from __future__ import annotations

from .support.diagnosing import CauseTests, answered, situation, verdict

PAGES = {
    "nginx": (502, b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
                   b"<hr><center>nginx/1.27.1</center>\r\n</body>\r\n</html>\r\n"),
    "HAProxy": (503, b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"),
    "Apache httpd": (502, b"<title>502 Proxy Error</title><p>The proxy server received an invalid\r\nresponse from an upstream server."),
    "Traefik": (502, b"Bad Gateway"),
    "an AWS load balancer": (503, b"<html><center><h1>503</h1></center>\r\n<hr><center>awselb/2.0</center>"),
    "Cloudflare": (522, b"error code: 522"),
    "Varnish": (503, b"<title>503 Backend fetch failed</title><h3>Guru Meditation:</h3>"),
    "Kong": (502, b'{"message":"An invalid response was received from the upstream server"}'),
}


class GatewayErrorTests(CauseTests):
    """Which proxy answered by itself?"""

    def test_pages(self) -> None:
        """The page itself is proof, in a mesh or without: that proxy's own upstream."""
        for proxy, (status, body) in PAGES.items():
            for mesh in (True, False):
                found = self.proven(
                    "gateway_error", "gateway", verdict(answered(status, body, {"content-type": "text/html"}), situation(mesh=mesh))
                )
                self.advises(found, proxy, "upstream")

    def test_a_refusal_may_be_a_web_servers(self) -> None:
        """nginx as the service itself shows the same page for what it does not have."""
        body = b"<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>"
        self.likely("gateway_error", "gateway", verdict(answered(404, body, {"content-type": "text/html"})), "service_refused")

    def test_fields(self) -> None:
        """Fields that a proxy sets on its own errors alone."""
        self.proven("gateway_error", "gateway", verdict(answered(502, b"", {"l5d-proxy-error": "connect"}), situation(mesh=False)))
        self.proven("gateway_error", "gateway", verdict(answered(502, b"", {"server": "Caddy"}), situation(mesh=False)))

    def test_server_alone_is_no_proof(self) -> None:
        """nginx puts its name on everything it passes on."""
        found = verdict(answered(502, b'{"error": "billing is closed"}', {"server": "nginx", "content-type": "application/json"}))
        self.assertEqual(("service", "service_error"), (found.answered_by, found.cause))
