"""meshproxy's own answers: the right status, the right words, and what only operators see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.error import ConnectionRefusedError as Refused

from meshproxy.core.inspection import Facts
from meshproxy.core.policy import AccessSettings
from meshproxy.settings import OperatorSettings
from meshproxy.web.refusals import Refusals, wants_html

from .support.house import COOKIE, Handoffs, House, PlainDiagnosing, PlainPages
from .test_channel import OK, ChannelCase


def with_operators(house: House, *groups: str) -> None:
    settings = replace(house.settings, operators=OperatorSettings(groups=groups))
    house.gateway.refusals = Refusals(settings, PlainPages(), Handoffs(), PlainDiagnosing())  # type: ignore[arg-type]


class RefusalTests(ChannelCase):
    def test_diagnosis_is_for_operators(self) -> None:
        """The cause of a failure stands on an operator's page, and on nobody else's."""
        for groups, shown in (((), False), (("devs",), True)):
            house = self.house()
            with_operators(house, *groups)
            browser = house.browser()
            browser.asks()
            house.wire.refuse(Refused())
            self.assertEqual(b"unknown" in browser.takes(), shown)
            self.assertEqual(house.records[0].cause, "unknown")

    def test_reason_of_a_rewriter_is_for_operators(self) -> None:
        """Why a rewriter refused is for operators and the record."""

        class Refuses:
            name = "refuses"
            managed_fields = (b"X-User",)

            def identity_fields(self, principal: Any) -> Any:
                from meshproxy.api import Refused

                raise Refused("group system:masters")

        for groups, shown in (((), False), (("devs",), True)):
            house = self.house(rewriters=[Refuses()])
            with_operators(house, *groups)
            browser = house.browser()
            browser.asks()
            answer = browser.takes()
            self.assertTrue(answer.startswith(b"HTTP/1.1 403 "))
            self.assertEqual(b"system:masters" in answer, shown)
            self.assertEqual(house.records[0].reason, "group system:masters")

    def test_post_without_session(self) -> None:
        """A navigation by POST gets a page that says that nothing was sent on; its body is not in the login's way back."""
        house = self.house()
        browser = house.browser()
        fields = b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n"
        browser.asks(b"/form?step=2", method=b"POST", fields=fields, body=b"x=1")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer)
        self.assertIn(b"text/html", answer)
        self.assertIn(b"/_meshproxy/login?to=%2Fform", answer)

    def test_retry_after(self) -> None:
        """What is over in a moment says so."""
        house = self.house(active=1, queue=0)
        first, second = house.browser(), house.browser()
        first.asks()
        second.asks()
        self.assertTrue(second.takes().startswith(b"HTTP/1.1 503 "))
        house.wire.accept().answers(OK)

    def test_wants_html(self) -> None:
        """``Sec-Fetch-Mode`` decides first, ``Accept`` after it."""
        facts = Facts()
        self.assertFalse(wants_html(facts))
        facts.accept = b"text/html,*/*"
        self.assertTrue(wants_html(facts))
        facts.sec_fetch_mode = b"cors"
        self.assertFalse(wants_html(facts))
        facts.sec_fetch_mode = b"navigate"
        self.assertTrue(wants_html(facts))

    def test_sidecar_source(self) -> None:
        """A sidecar's answer that we replace says whose it was."""

        class Pages(PlainPages):
            def problem(self, status: int, **about: Any) -> Any:
                answer = super().problem(status, **about)
                return replace(answer, fields=(*answer.fields, (b"X-Meshproxy-Source", about["source"].encode())))

        house = self.house(access=AccessSettings(public=True))
        house.gateway.refusals = Refusals(house.settings, Pages(), Handoffs(), PlainDiagnosing())  # type: ignore[arg-type]
        browser = house.browser()
        browser.asks(fields=COOKIE)
        house.wire.accept().answers(b"HTTP/1.1 503 X\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nno healthy upstream")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"\r\nX-Meshproxy-Source: sidecar\r\n", answer)
        self.assertNotIn(b"X-Meshproxy-Source: meshproxy", answer)
