"""When does the service itself refuse?"""

from __future__ import annotations

from meshproxy.core.diagnosis import HostSeen

from .support.diagnosing import NAME, CauseTests, answered, situation, verdict


class ServiceRefusedTests(CauseTests):
    """When does the service itself refuse?"""

    def test_its_own_4xx(self) -> None:
        """Any 4xx that is nobody else's."""
        for status in (400, 401, 403, 404, 418, 421, 429):
            self.proven("service_refused", "service", verdict(answered(status, "{}", {"content-type": "application/json"})))

    def test_known_texts(self) -> None:
        """Texts that are known say what is wanted."""
        for body, told, advice in (
            ('{"message":"origin not allowed"}', "Grafana", "origin"),
            ('{"kind":"Status","apiVersion":"v1","status":"Failure","code":403}', "Kubernetes", "kubectl auth can-i"),
            ("Invalid host header", "the Host", NAME), ("DisallowedHost at /", "the Host", "Host"),
        ):
            found = self.proven("service_refused", "service", verdict(answered(403, body, {"content-type": "application/json"})))
            self.assertIn(told, found.because[-1])
            self.assertIn(advice, found.hints[0].replace("hosts that", "Host"))

    def test_another_host_is_served(self) -> None:
        """The public name works: a literal Host is advised."""
        about = situation(public_host="billing.example.com")
        found = verdict(answered(403, "no", {}), about, HostSeen("public", "200 service ", "service", 200))
        self.advises(found, 'host = "billing.example.com"')

    def test_what_it_says_is_quoted(self) -> None:
        """Short plain words are quoted, pages are not."""
        self.assertIn("It says: you shall not pass", verdict(answered(403, "you shall not pass", {})).hints)
        echo = verdict(answered(403, "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln is not enough", {}))
        self.assertIn("It says: Authorization: Bearer … is not enough", echo.hints)
        self.assertFalse(any("<html" in hint for hint in verdict(answered(403, "<html>x</html>", {})).hints))
