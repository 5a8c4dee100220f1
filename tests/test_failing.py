"""How a login that fails ends: :mod:`meshproxy.web.own.failing`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed, ProviderDown, StoreDown
from meshproxy.web.own.failing import failed, new_code
from meshproxy.web.own.visit import Visit
from tests.support.own_site import Browser, OwnSite, RedirectProvider


class CodeTests(SynchronousTestCase):
    def test_easy_to_say(self) -> None:
        """Six letters and digits, none of which looks or sounds like another."""
        letters = set("".join(new_code(bytes([number] * 6)) for number in range(256)))
        self.assertFalse(letters & set("01OILU") or any(one.islower() for one in letters))
        self.assertEqual(len(new_code(bytes(range(6)))), 6)


class FailedTests(SynchronousTestCase):
    def fail(self, error: BaseException, html: bool = True) -> tuple[int, bytes, dict[bytes, bytes], OwnSite]:
        site = OwnSite()
        from types import SimpleNamespace

        visit = Visit(site.parts, SimpleNamespace(html=html, request_id="r-1", host="apps.example.com"), 0.0)  # type: ignore[arg-type]
        answer = failed(visit, error, provider="corp", code="ABC234", to="/headers?x")
        return answer.status, answer.body, dict(answer.fields), site

    def test_statuses(self) -> None:
        """The provider's no is 403, its silence (or the store's) 503 with a time to come back, its fault 500."""
        for error, status in ((LoginFailed("x"), 403), (ProviderDown("x"), 503), (StoreDown("x"), 503), (KeyError("x"), 500)):
            found, _, fields, _ = self.fail(error)
            self.assertEqual(found, status)
            self.assertEqual(b"Retry-After" in fields, status == 503)

    def test_who_is_told_what(self) -> None:
        """The person: a code, the request id and the same login again; the audit trail: the reason."""
        _, body, _, site = self.fail(LoginFailed("the nonce is another", "Try again, please."))
        for part in (b"ABC234", b"r-1", b"Try again, please.", b"/_meshproxy/login?to=%2Fheaders%3Fx"):
            self.assertIn(part, body)
        self.assertNotIn(b"nonce", body)
        [event] = site.told("login.failed")
        self.assertEqual(
            (event["reason"], event["attempt"], event["provider"], event["status"]), ("the nonce is another", "ABC234", "corp", 403)
        )

    def test_a_fault_tells_nothing(self) -> None:
        """What an exception says may hold anything: neither the page nor the trail repeats it."""
        _, body, _, site = self.fail(RuntimeError("token=secret"))
        self.assertNotIn("secret", body.decode() + repr(site.events))

    def test_programs(self) -> None:
        """The JSON form has the code too."""
        _, body, fields, _ = self.fail(ProviderDown("x"), html=False)
        self.assertIn(b'"code": "ABC234"', body)
        self.assertEqual(fields[b"Retry-After"], b"10")

    def test_a_whole_failure(self) -> None:
        """By way of the browser: a provider that is down, and then not any more."""
        provider = RedirectProvider()
        provider.begin_fails = ProviderDown("x")
        browser = Browser(OwnSite({"corp": provider}))
        self.assertEqual(browser.get("/_meshproxy/login?to=/").status, 503)
        provider.begin_fails = None
        self.assertEqual(browser.get("/_meshproxy/login?to=/").status, 302)
