"""meshproxy.sessions.attempts"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Attempt
from meshproxy.core.cookie_field import split
from meshproxy.sessions.attempts import Finished, Stale

from .support.sessions import HOST, START, Browser, Deployment, result_of


class AttemptTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = Deployment()
        self.browser = self.house.browser

    def begin(self, to: str = "/d/1?x=2", browser: Browser | None = None, **more: str) -> Attempt:
        browser = browser or self.browser
        attempt, cookies = self.house.attempts.begin("corp", to, HOST, self.house.now, browser.cookie(HOST), **more)
        browser.take(HOST, cookies)
        return attempt

    def finish(self, state: str, browser: Browser | None = None) -> Finished | Stale:
        browser = browser or self.browser
        found: Finished | Stale = result_of(self.house.attempts.finish(state, browser.cookie(HOST), self.house.now))
        if isinstance(found, Finished):
            browser.take(HOST, found.set_cookies)
        return found

    def test_there_and_back(self) -> None:
        """Whoever comes back with the state gets their attempt, the provider and the target that it began with."""
        attempt = self.begin(handoff="value")
        found = self.finish(attempt.state)
        assert isinstance(found, Finished)
        self.assertEqual((found.attempt, found.provider, found.to, found.handoff), (attempt, "corp", "/d/1?x=2", "value"))
        self.assertEqual(attempt.redirect_uri, f"https://{HOST}/_meshproxy/callback")

    def test_everything_is_fresh(self) -> None:
        """State, nonce, verifier and code differ from attempt to attempt; the verifier is as long as RFC 7636 §4.1 wants."""
        attempts = [self.begin() for _ in range(20)]
        for name in ("state", "nonce", "code_verifier", "code"):
            self.assertEqual(len({getattr(attempt, name) for attempt in attempts}), 20, name)
        for attempt in attempts:
            self.assertRegex(attempt.code_verifier, r"\A[A-Za-z0-9_-]{43,128}\Z")
            self.assertRegex(attempt.code, r"\A[A-Z2-9]{6}\Z")

    def test_once(self) -> None:
        """A state is good once, even for the browser that copied its cookies; it is said where the attempt wanted to go."""
        attempt = self.begin()
        copy = Browser(self.house.clock)
        copy.jar.update(self.browser.jar)
        self.assertIsInstance(self.finish(attempt.state), Finished)
        self.assertEqual(self.finish(attempt.state, copy), Stale("used", "/d/1?x=2"))
        self.assertEqual(self.finish(attempt.state), Stale("unknown"))

    def test_another_browser(self) -> None:
        """A callback URL that was sent to somebody else finishes nothing in their browser."""
        attempt = self.begin()
        self.assertEqual(self.finish(attempt.state, Browser(self.house.clock)), Stale("unknown"))
        self.assertIsInstance(self.finish(attempt.state), Finished)

    def test_states_that_are_none(self) -> None:
        """Whatever comes as a state, the answer is the same."""
        self.begin()
        for state in ("", "x", "é" * 43, "A" * 43, "A" * 100_000, "\r\n" * 20 + "abc"):
            self.assertEqual(self.finish(state), Stale("unknown"), state[:20])

    def test_ten_minutes(self) -> None:
        """An attempt lasts ten minutes."""
        first, second = self.begin(), self.begin()
        self.house.clock.advance(599)
        self.assertIsInstance(self.finish(first.state), Finished)
        self.house.clock.advance(1)
        self.assertEqual(self.finish(second.state), Stale("unknown"))

    def test_tabs(self) -> None:
        """Five tabs at once come back each to its own place, in any order."""
        attempts = {f"/tab/{number}": self.begin(f"/tab/{number}") for number in range(5)}
        for to, attempt in reversed(attempts.items()):
            found = self.finish(attempt.state)
            assert isinstance(found, Finished)
            self.assertEqual(found.to, to)

    def test_at_another_replica(self) -> None:
        """The callback may come to another replica than the login; it is good once over both."""
        attempt = self.begin()
        cookie = self.browser.cookie(HOST)
        other = Deployment(of=self.house)
        self.assertIsInstance(result_of(other.attempts.finish(attempt.state, cookie, START)), Finished)
        self.assertIsInstance(self.finish(attempt.state), Stale)

    def test_a_form_from_the_provider(self) -> None:
        """With ``response_mode=form_post`` the cookie comes along with the provider's form; else it does not."""
        for form_post, same_site in ((True, b"SameSite=None"), (False, b"SameSite=Lax")):
            _, cookies = self.house.attempts.begin("corp", "/", HOST, START, b"", form_post=form_post)
            self.assertIn(same_site, cookies[0])

    def test_none_of_it_goes_upstream(self) -> None:
        """No cookie of an attempt reaches a service."""
        self.begin()
        self.assertEqual(split(self.browser.cookie(HOST) + b"; a=1", b"__Host-meshproxy")[1], b"a=1")
