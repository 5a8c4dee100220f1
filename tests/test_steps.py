"""The report of a login attempt, from the login page to its end: :mod:`meshproxy.web.own.steps`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed
from meshproxy.observe.login_reports import LoginReports
from meshproxy.web.own.steps import Steps
from tests.support.own_site import Browser, OwnSite, RedirectProvider, query_of


class Talkative(RedirectProvider):
    """A provider that notes what it should not, and fails with it."""

    async def begin(self, attempt: Any) -> str:
        attempt.note(f"asked with {attempt.state} and {attempt.nonce}\x1b[2J")
        return await super().begin(attempt)

    async def finish(self, attempt: Any, parameters: Any) -> Any:
        attempt.note("x" * 5000)
        raise LoginFailed(f"the code {parameters['code']} is stale, and so is {attempt.code_verifier}")


class StepsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.provider = Talkative()
        self.reports = LoginReports()
        self.site = OwnSite({"corp": self.provider}, logins=self.reports)
        self.browser = Browser(self.site)

    def test_the_whole_attempt(self) -> None:
        """Begun, sent off, come back, failed: under the code that the page shows; nothing of it is secret, or acts on a terminal."""
        reply, _ = self.browser.follow(self.browser.get("/_meshproxy/login?to=/headers"))
        state = query_of(reply.location)["state"]
        page = self.browser.get(f"/_meshproxy/callback?code=the-code-123&state={state}")
        [failed] = self.site.told("login.failed")
        code = failed["attempt"]
        self.assertIn(code, page.text)
        steps = self.reports.find(code) or []
        self.assertEqual([step["words"][:22] for step in steps], [
            "asked with [redacted] ", "the browser is sent to", "the browser came back,", "x" * 22,
        ])
        self.assertIn("https://idp.example.net/authorize", steps[1]["words"])
        self.assertIn("with code, state", steps[2]["words"])
        self.assertEqual(failed["reason"], "the code [redacted] is stale, and so is [redacted]")
        attempt = self.provider.attempts[0]
        for secret in (state, "the-code-123", attempt.nonce, attempt.code_verifier, "\x1b"):
            self.assertNotIn(secret, str(steps))
        self.assertLessEqual(max(len(step["words"]) for step in steps), 400)

    def test_nobody_keeps_them(self) -> None:
        """Where no reports are kept, a login works the same."""
        steps = Steps(OwnSite().parts, "K7QP2M")
        steps.note("a step")
        self.assertEqual(steps.cleaned(None), "")

    def test_short_values(self) -> None:
        """A code of a few letters is not cut out of every word."""
        steps = Steps(self.site.parts, "K7QP2M", also=("", "a", "abcdef", "abcdefgh"))
        self.assertEqual(steps.cleaned("a word abcdefgh and abcdef"), "a word [redacted] and [redacted]")
        steps.note("said")
        self.assertEqual((self.reports.find("k7qp2m") or [])[0]["words"], "said")
