"""Where a browser goes once it is logged in: :mod:`meshproxy.web.own.targets`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.own.targets import login_url, target, wanted
from tests.support.own_site import OTHER, PUBLIC, OwnSite


class TargetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.parts = OwnSite().parts

    def target(self, to: str, host: str = PUBLIC.host) -> str:
        return target(self.parts, SimpleNamespace(host=host), to)  # type: ignore[arg-type]

    def test_paths_belong_to_the_host_that_is_asked(self) -> None:
        """A path of another host is a URL there."""
        self.assertEqual(self.target("/a?b=c"), "/a?b=c")
        self.assertEqual(self.target("/a?b=c", OTHER), f"https://{OTHER}/a?b=c")
        self.assertEqual(self.target(f"https://{PUBLIC.host}/a", OTHER), "/a")

    def test_nothing_elsewhere(self) -> None:
        """Other sites, other ports, other schemes, other notations of them: the home page."""
        for to in (
            "",
            "//evil",
            "///evil",
            "/\\evil",
            "\\\\evil",
            "/\tevil",
            "https:evil",
            "https://evil",
            f"https://{OTHER}:8443/",
            f"http://{OTHER}/",
            f"https://u@{OTHER}/",
            f"https://{OTHER}.evil/",
            "javascript:1",
            "/ä",
        ):
            with self.subTest(to=to):
                self.assertEqual(self.target(to), "/")

    def test_no_step_of_a_login(self) -> None:
        """Whatever would begin or end a login again is no place to go to, on any host; our other pages are."""
        for step in (
            "login",
            "login/",
            "login/local",
            "login?to=/",
            "callback?code=1",
            "accept?ticket=1",
            "logout",
            "logged-out",
            "auth/x",
        ):
            self.assertEqual(self.target(f"/_meshproxy/{step}"), "/", step)
            self.assertEqual(self.target(f"https://{OTHER}/_meshproxy/{step}"), "/", step)
        self.assertEqual(self.target("/_meshproxy/sessions"), "/_meshproxy/sessions")
        self.assertEqual(self.target("/_meshproxy/loginx"), "/_meshproxy/loginx")

    def test_a_hand_off_waits(self) -> None:
        """The one step that is gone back to: a hand-off for which somebody had to log in first."""
        visit: Any = SimpleNamespace(query={"handoff": "v1.a&b"}, parts=self.parts, arrival=SimpleNamespace(host=PUBLIC.host))
        self.assertEqual(wanted(visit), "/_meshproxy/login?handoff=v1.a%26b")
        self.assertEqual(self.target(wanted(visit)), wanted(visit))

    def test_login_urls(self) -> None:
        """Everything in the target is quoted, so that all of it comes back."""
        self.assertEqual(login_url("/a?b=c&d"), "/_meshproxy/login?to=%2Fa%3Fb%3Dc%26d")
        self.assertEqual(login_url("/", "my idp", again=True), "/_meshproxy/login/my%20idp?to=%2F&again=1")
        self.assertEqual(login_url("/_meshproxy/login?handoff=x"), "/_meshproxy/login?handoff=x")
        self.assertEqual(login_url("/_meshproxy/login?handoff=x", "corp"), "/_meshproxy/login/corp?to=%2F_meshproxy%2Flogin%3Fhandoff%3Dx")
