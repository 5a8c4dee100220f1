"""A request between two legs: back-pressure, tunnels, failures, sidecars' answers."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused

from meshproxy.api import StoreDown
from meshproxy.core.policy import AccessSettings

from .support.house import ALICE, COOKIE, Live, Recalled
from .test_channel import OK, ChannelCase


class BackPressureTests(ChannelCase):
    def test_slow_service(self) -> None:
        """A service that does not keep up with an upload makes us stop reading the client."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 1000000\r\n")
        self.assertEqual(browser.producerState, "paused")  # nobody takes the body before the service is there
        service = house.wire.accept()
        self.assertEqual(browser.producerState, "producing")
        service.producer.pauseProducing()
        self.assertEqual(browser.producerState, "paused")
        service.producer.resumeProducing()
        self.assertEqual(browser.producerState, "producing")

    def test_slow_browser(self) -> None:
        """A browser that does not keep up with an answer makes us stop reading the service."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        browser.producer.pauseProducing()
        self.assertEqual(service.producerState, "paused")
        browser.producer.resumeProducing()
        self.assertEqual(service.producerState, "producing")


class UpgradeTests(ChannelCase):
    def test_other_upgrades(self) -> None:
        """R38: h2c goes up as a plain request."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=COOKIE + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")
        service = house.wire.accept()
        sent = service.takes().lower()
        for name in (b"upgrade", b"http2-settings", b"connection:"):
            self.assertNotIn(name, sent.replace(b"upgrade-insecure", b""))
        service.answers(OK)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 200 "))
        self.assertFalse(browser.disconnecting)


class FailureTests(ChannelCase):
    def test_refused(self) -> None:
        """A service that refuses the connection is 502, and the record says who did not answer."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=COOKIE + b"Accept: text/html\r\n")
        house.wire.refuse(Refused())
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 502 "), answer)
        self.assertIn(b"\r\nX-Meshproxy-Source: meshproxy\r\n", answer)
        record = house.records[0]
        self.assertEqual((record.event, record.status, record.answered_by), ("request.failed", 502, "nobody"))
        self.assertEqual(record.evidence.end, "refused")
        self.assertFalse(browser.disconnecting)

    def test_closed_without_an_answer(self) -> None:
        """P10: a service that closes without a word is 502, never an empty 200."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.lost()
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 502 "))

    def test_too_slow(self) -> None:
        """A service that does not answer in time is 504."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        house.wire.accept()
        house.wire.advance(61.0)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 504 "))

    def test_overload(self) -> None:
        """Over the pool's limits a request waits, and is then 503 with Retry-After."""
        house = self.house(active=1, queue=1, queue_for=5.0)
        browsers = [house.browser() for _ in range(3)]
        for browser in browsers:
            browser.asks()
        self.assertTrue(browsers[2].takes().startswith(b"HTTP/1.1 503 "))
        service = house.wire.accept()
        house.wire.advance(6.0)
        self.assertTrue(browsers[1].takes().startswith(b"HTTP/1.1 503 "))
        service.answers(OK)
        self.assertTrue(browsers[0].takes().startswith(b"HTTP/1.1 200 "))

    def test_sidecar(self) -> None:
        """An answer that is a sidecar's beyond doubt becomes our page with the same status; the person sees none of its words."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nno healthy upstream")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertNotIn(b"no healthy upstream", answer)
        self.assertEqual(house.records[0].event, "request.failed")
        self.assertEqual(house.records[0].upstream_status, 503)

    def test_quoted_sidecar(self) -> None:
        """A service's own error that looks alike passes untouched, whole."""
        for body in (b"no healthy upstream in my pool", b"x" * 3000):
            house = self.house()
            browser = house.browser()
            browser.asks()
            service = house.wire.accept()
            service.answers(b"HTTP/1.1 503 No\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body))
            for start in range(0, len(body), 500):
                service.answers(body[start : start + 500])
            self.assertTrue(browser.takes().endswith(b"\r\n\r\n" + body))
            self.assertEqual(house.records[0].event, "request.forwarded")

    def test_interim(self) -> None:
        """P6: 103 passes, the service's own 100 does not."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 "), answer)


class RecordTests(ChannelCase):
    def test_answers_that_pass(self) -> None:
        """The record says who answered with an error that passes untouched, and why."""
        for status, cause in ((200, ""), (404, "service_refused"), (500, "service_error")):
            house = self.house()
            browser = house.browser()
            browser.asks()
            house.wire.accept().answers(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nno" % status)
            self.assertEqual((house.records[0].answered_by, house.records[0].cause), ("service", cause))


class WaitingTests(ChannelCase):
    def test_session_from_a_store(self) -> None:
        """A session that is not in memory is waited for; the body waits with it."""
        house = self.house()
        house.sessions.loading = waiting = Deferred()
        browser = house.browser()
        browser.asks(method=b"POST", body=b"ok")
        self.assertEqual(browser.producerState, "paused")
        self.assertEqual(house.wire.waiting, 0)
        waiting.callback(Recalled(Live(ALICE), b""))
        service = house.wire.accept()
        self.assertTrue(service.takes().endswith(b"ok"))
        service.answers(OK)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 200 "))

    def test_client_leaves_while_waiting(self) -> None:
        """A client that leaves cancels what is waited for on its behalf."""
        house = self.house()
        cancelled = []
        house.sessions.loading = Deferred(cancelled.append)
        browser = house.browser()
        browser.asks()
        browser.lost()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(len(house.records), 1)

    def test_store_down(self) -> None:
        """A store that is down is 503 for who needs a session, and nobody is logged out; a public service goes on."""
        for public, status in ((False, b"503"), (True, b"200")):
            house = self.house(access=AccessSettings(public=True) if public else None)
            house.sessions.loading = waiting = Deferred()
            browser = house.browser()
            browser.asks()
            waiting.errback(StoreDown("gone"))
            if public:
                service = house.wire.accept()
                self.assertIn(b"Cookie: theirs=1\r\n", service.takes())
                service.answers(OK)
            answer = browser.takes()
            self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer)
            self.assertNotIn(b"Set-Cookie", answer)

    def test_nobody_answers(self) -> None:
        """Whoever is waited for, a plugin's provider among them, has 30 s: then it is 503, and what they say later is not heard."""
        house = self.house()
        cancelled: list[object] = []
        house.sessions.loading = waiting = Deferred(cancelled.append)
        browser = house.browser()
        browser.asks()
        house.wire.advance(29.0)
        self.assertEqual(browser.takes(), b"")
        house.wire.advance(2.0)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 503 "))
        self.assertEqual((cancelled, len(house.records), house.wire.waiting), ([waiting], 1, 0))
        self.assertEqual(len(self.flushLoggedErrors(TimeoutError)), 1)
        browser.asks()
        self.assertEqual(house.wire.waiting, 1)

    def test_reload_while_waiting(self) -> None:
        """A request that was being decided on when its service's old connections were let go is still served."""
        house = self.house()
        house.sessions.loading = waiting = Deferred()
        browser = house.browser()
        browser.asks()
        house.wire.pool.close()
        waiting.callback(Recalled(Live(ALICE), b""))
        service = house.wire.accept()
        service.answers(OK)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 200 "))
        self.assertTrue(service.disconnecting)
