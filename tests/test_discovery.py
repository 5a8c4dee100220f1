"""The discovery document and the keys behind it: kept through outages, fetched with bounds, never replaced by something worse."""

from __future__ import annotations

from meshproxy.api import ProviderDown
from meshproxy.identity.oidc.discovery import document_url

from .support.contexts import attempt
from .support.rp_flow import FlowTestCase

DOCUMENT = "/.well-known/openid-configuration"


class DiscoveryTests(FlowTestCase):
    def test_url(self) -> None:
        """The document's place, whatever the issuer ends with (Discovery §4.1)."""
        for issuer in ("https://a.example/realm", "https://a.example/realm/"):
            self.assertEqual(document_url(issuer), "https://a.example/realm/.well-known/openid-configuration")

    def test_start(self) -> None:
        """Document and keys are fetched at start, before anybody logs in; then it is ready."""
        client = self.client()
        self.assertEqual(client.ready(), "not asked yet")
        self.clock.advance(0)
        self.settle()
        self.assertIsNone(client.ready())
        self.assertEqual((self.idp.asked(DOCUMENT), self.idp.asked("/jwks")), (1, 1))

    def test_down_at_start(self) -> None:
        """A provider that is down at start stops nothing: it says why it is not ready, and is ready within half a minute of its return."""
        self.idp.raw[DOCUMENT] = (503, {}, b"")
        client = self.client()
        for _ in range(100):
            self.clock.advance(1)
            self.settle()
        self.assertIn("503", client.ready() or "")
        self.assertLess(self.idp.asked(DOCUMENT), 20)
        del self.idp.raw[DOCUMENT]
        for _ in range(30):
            self.clock.advance(1)
            self.settle()
        self.assertIsNone(client.ready())

    def test_login_while_down(self) -> None:
        """While it is down a login fails at once with what went wrong, and asks the provider no more often for it."""
        self.idp.raw[DOCUMENT] = (500, {}, b"")
        client = self.client()
        self.failure(ProviderDown, client.begin(attempt()))
        asked = self.idp.asked(DOCUMENT)
        for _ in range(20):
            self.assertIn("500", self.failure(ProviderDown, client.begin(attempt())).reason)
        self.assertEqual(self.idp.asked(DOCUMENT), asked)

    def test_hanging(self) -> None:
        """A provider that hangs: the login fails within five seconds."""
        self.idp.hanging.add(DOCUMENT)
        pending = self.client().begin(attempt())
        self.settle()
        self.clock.advance(5)
        self.failureResultOf(pending, ProviderDown)

    def test_kept_through_an_outage(self) -> None:
        """What was good is used on for a day; a worse document does not replace it."""
        client = self.client()
        self.log_in(client)
        for raw in ((503, {}, b""), (200, {}, b"<html>"), (200, {}, b'{"issuer": "https://evil.example"}')):
            self.idp.raw[DOCUMENT] = raw
            self.clock.advance(3700)
            self.result(client.begin(attempt(2)))
            self.settle()
            self.assertIsNone(client.ready())
        self.clock.advance(25 * 3600)
        self.failure(ProviderDown, client.begin(attempt(3)))

    def test_renewed(self) -> None:
        """After an hour it is fetched anew, behind the login that noticed; the next one uses the new endpoints."""
        client = self.client()
        self.log_in(client)
        self.idp.discovery["authorization_endpoint"] = self.idp.url("/moved")
        self.clock.advance(3601)
        self.result(client.begin(attempt(2)))
        self.assertTrue(self.result(client.begin(attempt(3))).startswith(self.idp.url("/moved")))
        self.assertEqual(self.idp.asked(DOCUMENT), 2)

    def test_hosts_are_told(self) -> None:
        """The log names the hosts of the endpoints once, and again when they change."""
        client = self.client()
        self.log_in(client)
        self.clock.advance(3601)
        self.result(client.begin(attempt(2)))
        self.assertEqual([event.get("hosts") for event in self.logged], ["127.0.0.1:9999"])
        self.idp.discovery["userinfo_endpoint"] = "https://elsewhere.example/u"
        self.clock.advance(3601)
        self.result(client.begin(attempt(3)))
        self.assertEqual([event.get("hosts") for event in self.logged][1:], ["127.0.0.1:9999, elsewhere.example"])

    def test_stop(self) -> None:
        """Stopped, nothing is scheduled and nothing under way."""
        self.idp.hanging.add(DOCUMENT)
        client = self.client()
        self.clock.advance(0)
        client.stop()
        self.settle()
        self.assertEqual(self.clock.getDelayedCalls(), [])
