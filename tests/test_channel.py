"""One downstream connection: requests in, answers out, one at a time."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.settings import LimitSettings

from .support.house import COOKIE, House

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class ChannelCase(SynchronousTestCase):
    def house(self, **more: Any) -> House:
        house = House(**more)
        self.addCleanup(house.close)
        return house


class RequestTests(ChannelCase):
    def test_request_and_answer(self) -> None:
        """A request goes up with Host and identity set, ours stripped; the answer comes back with an id."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/a?b=c", fields=COOKIE + b"x_user: root\r\nX-Forwarded-Host: evil\r\nAccept: */*\r\n")
        service = house.wire.accept()
        head = service.takes()
        self.assertTrue(head.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1\r\n"), head)
        self.assertIn(b"\r\nX-User: alice\r\n", head)
        self.assertIn(b"\r\nCookie: theirs=1\r\n", head)
        self.assertIn(b"\r\nX-Forwarded-Host: apps.test:8080\r\n", head)
        self.assertIn(b"\r\nX-Forwarded-For: 192.0.2.7\r\n", head)
        self.assertNotIn(b"root", head)
        self.assertNotIn(b"evil", head)
        self.assertNotIn(b"meshproxy=", head)
        service.answers(OK)
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertTrue(answer.endswith(b"\r\n\r\nok"))
        self.assertIn(b"\r\nX-Request-Id: " + house.records[0].request_id, answer)
        self.assertFalse(browser.disconnecting)

    def test_keep_alive(self) -> None:
        """Several requests share both connections."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/1")
        service = house.wire.accept()
        for number in (b"/2", b"/3"):
            service.answers(OK)
            browser.asks(number)
        service.answers(OK)
        self.assertEqual(browser.takes().count(b"200 OK"), 3)
        self.assertEqual([record.target for record in house.records], [b"/1", b"/2", b"/3"])
        self.assertEqual(house.wire.pool.opened_total, 1)

    def test_pipelining(self) -> None:
        """R36: pipelined requests are answered in order, each after the one before; a bad one does not lose those before it."""
        house = self.house()
        browser = house.browser()
        one = b"GET /%d HTTP/1.1\r\nHost: apps.test:8080\r\n" + COOKIE + b"\r\n"
        browser.sends(one % 1 + one % 2 + b"GET bad HTTP/1.1\r\nHost: apps.test\r\n\r\n" + one % 4)
        service = house.wire.accept()
        self.assertIn(b"GET /1 ", service.takes())
        self.assertEqual(browser.takes(), b"")
        service.answers(OK)
        self.assertIn(b"GET /2 ", service.takes())
        service.answers(OK)
        answers = browser.takes()
        self.assertEqual(answers.count(b"HTTP/1.1 200"), 2)
        self.assertEqual(answers.count(b"HTTP/1.1 400"), 1)
        self.assertLess(answers.rindex(b"HTTP/1.1 200"), answers.index(b"HTTP/1.1 400"))
        self.assertEqual(service.takes(), b"")
        self.assertTrue(browser.half_closed)

    def test_malformed(self) -> None:
        """A refusal is a whole response that says that the connection closes; nothing went up."""
        house = self.house()
        browser = house.browser()
        browser.sends(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertIn(b"\r\nContent-Length: ", answer)
        self.assertIn(b"\r\nX-Meshproxy-Source: meshproxy\r\n", answer)
        self.assertTrue(browser.half_closed)
        self.assertEqual(house.wire.waiting, 0)
        self.assertEqual((house.records[0].status, house.records[0].event), (400, "request.refused"))

    def test_unknown_host(self) -> None:
        """A well-formed Host that nobody has is 421."""
        house = self.house()
        browser = house.browser()
        browser.sends(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 421 "))

    def test_options_star(self) -> None:
        """R28, P4: what is about the server itself is answered here, without login: ``OPTIONS *`` and Max-Forwards 0."""
        for target, fields in ((b"*", b""), (b"/", COOKIE + b"Max-Forwards: 0\r\n")):
            house = self.house()
            browser = house.browser()
            browser.asks(target, method=b"OPTIONS", fields=fields)
            answer = browser.takes()
            self.assertTrue(answer.startswith(b"HTTP/1.1 204 "), answer)
            self.assertIn(b"\r\nAllow: ", answer)
            self.assertEqual(house.wire.waiting, 0)
            self.assertFalse(browser.disconnecting)

    def test_http10(self) -> None:
        """P15: an HTTP/1.0 client gets no chunks; the body ends with the connection."""
        house = self.house()
        browser = house.browser()
        browser.asks(version=b"1.0")
        house.wire.accept().answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        answer = browser.takes()
        self.assertNotIn(b"chunked", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\nok"))
        self.assertTrue(browser.disconnecting)

    def test_own_pages(self) -> None:
        """What is no service is rendered as a Twisted resource, its body read, and the connection lives on."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/_meshproxy/x", method=b"POST", body=b"form=1")
        answer = browser.takes()
        self.assertTrue(answer.endswith(b"own page: POST form=1"), answer)
        self.assertIn(b"X-Request-Id: ".lower(), answer.lower())
        browser.asks(b"/_meshproxy/x", method=b"POST", fields=b"Transfer-Encoding: chunked\r\n")
        browser.sends(b"2\r\nab\r\n0\r\n\r\n")
        self.assertTrue(browser.takes().rstrip(b"\r\n0").endswith(b"own page: POST ab"))
        self.assertEqual([record.status for record in house.records], [200, 200])

    def test_large_form(self) -> None:
        """Our own pages take small bodies only, announced or not."""
        for fields, pieces in (
            (b"Content-Length: 100000\r\n", []),
            (b"Transfer-Encoding: chunked\r\n", [b"10000\r\n" + b"x" * 65536 + b"\r\n1\r\nx\r\n"]),
        ):
            house = self.house()
            browser = house.browser()
            browser.asks(b"/_meshproxy/x", method=b"POST", fields=fields)
            browser.sends(*pieces)
            self.assertTrue(browser.takes().startswith(b"HTTP/1.1 413 "), fields)


class BodyTests(ChannelCase):
    def test_counted(self) -> None:
        """A counted body flows on as it comes, and the connection serves the next request."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 6\r\n")
        service = house.wire.accept()
        browser.sends(b"abc")
        sent = service.takes()
        self.assertIn(b"\r\nContent-Length: 6\r\n", sent)
        self.assertTrue(sent.endswith(b"\r\n\r\nabc"), sent)
        browser.sends(b"def" + b"GET /2 HTTP/1.1\r\nHost: apps.test:8080\r\n" + COOKIE + b"\r\n")
        self.assertEqual(service.takes(), b"def")
        service.answers(OK)
        self.assertIn(b"GET /2 HTTP/1.1\r\n", service.takes())
        service.answers(OK)
        self.assertEqual(browser.takes().count(b"200 OK"), 2)
        self.assertEqual(house.records[0].body_in_bytes, 6)

    def test_chunked(self) -> None:
        """A chunked body goes up in chunks, extensions and trailers gone."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Transfer-Encoding: chunked\r\n")
        service = house.wire.accept()
        browser.sends(b"3;x=y\r\nabc\r\n0\r\nX-User: root\r\n\r\n")
        sent = service.takes()
        self.assertIn(b"\r\nTransfer-Encoding: chunked\r\n", sent)
        self.assertTrue(sent.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), sent)

    def test_bad_chunk(self) -> None:
        """R21: a bad chunk is 400, the upstream connection is given up, and the client's too."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Transfer-Encoding: chunked\r\n")
        service = house.wire.accept()
        browser.sends(b"3\r\nabcX")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 400 "))
        self.assertTrue(service.disconnecting)

    def test_bad_chunk_behind_an_answer(self) -> None:
        """A request that is answered before its body is read gets one answer, whatever its body turns out to be."""
        house = self.house()
        browser = house.browser()
        ask = b"POST / HTTP/1.1\r\nHost: apps.test:8080\r\nTransfer-Encoding: chunked\r\n\r\n"
        browser.sends(ask + b"none\r\n" + ask)
        browser.sends(b"none\r\n" + ask)
        self.assertEqual(browser.takes().count(b"HTTP/1.1 "), 1)
        self.assertEqual(len(house.records), 1)

    def test_continue(self) -> None:
        """R34: 100 Continue is said once the decision fell and the service is there, not before."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 2\r\nExpect: 100-continue\r\n")
        self.assertEqual(browser.takes(), b"")
        service = house.wire.accept()
        self.assertEqual(browser.takes(), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertNotIn(b"Expect", service.takes())
        browser.sends(b"ok")
        self.assertEqual(service.takes(), b"ok")

    def test_no_continue(self) -> None:
        """R34: who is not let in gets the final answer, and no 100."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=b"Content-Length: 2\r\nExpect: 100-continue\r\n")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer)
        self.assertTrue(browser.half_closed)

    def test_early_answer(self) -> None:
        """P12: an answer that comes while the upload goes on is relayed at once, and says that the connection closes."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 1000000\r\n")
        service = house.wire.accept()
        browser.sends(b"x" * 1000)
        service.answers(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "))
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertTrue(browser.half_closed)
        self.assertTrue(service.disconnecting)

    def test_body_limit(self) -> None:
        """A body over the service's limit is 413: at once where it is announced, else when it gets there."""
        house = self.house(limits=LimitSettings(body_bytes=10))
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 11\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 413 "))
        self.assertEqual(house.wire.waiting, 0)
        browser = house.browser()
        browser.asks(method=b"POST", fields=COOKIE + b"Transfer-Encoding: chunked\r\n")
        service = house.wire.accept()
        browser.sends(b"6\r\n123456\r\n", b"6\r\n123456\r\n")
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 413 "))
        self.assertTrue(service.disconnecting)


class DeadlineTests(ChannelCase):
    def test_slow_head(self) -> None:
        """A head that does not come to its end in time is 408, however steadily its bytes come."""
        house = self.house(limits=LimitSettings(head=10.0))
        browser = house.browser()
        for byte in b"GET / HTTP/1.1\r\n":
            browser.sends(bytes((byte,)))
            house.wire.advance(0.75)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 408 "))
        self.assertTrue(browser.disconnecting)

    def test_silent_connection(self) -> None:
        """A connection that never says anything is closed without a word."""
        house = self.house(limits=LimitSettings(head=10.0))
        browser = house.browser()
        house.wire.advance(10.5)
        self.assertEqual(browser.takes(), b"")
        self.assertTrue(browser.disconnecting)

    def test_keep_alive_ends(self) -> None:
        """Between requests a connection lives for ``keep_alive``."""
        house = self.house(limits=LimitSettings(keep_alive=75.0))
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        house.wire.advance(74.0)
        self.assertFalse(browser.disconnecting)
        house.wire.advance(2.0)
        self.assertTrue(browser.disconnecting)

    def test_slow_body(self) -> None:
        """A body without a byte for ``body_idle`` is 408, and so is one that trickles."""
        for trickle in (b"", b"x"):
            house = self.house()
            browser = house.browser()
            browser.asks(method=b"POST", fields=COOKIE + b"Content-Length: 1000000\r\n")
            service = house.wire.accept()
            for _ in range(25):
                if trickle:
                    browser.sends(trickle)
                house.wire.advance(1.0)
            self.assertTrue(browser.takes().startswith(b"HTTP/1.1 408 "), trickle)
            self.assertTrue(service.disconnecting)

    def test_stalled_reader(self) -> None:
        """A client that takes nothing of what waits for it is cut off after ``stalled``."""
        house = self.house(limits=LimitSettings(stalled=15.0))
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        browser.dataBuffer = b"x" * 1000  # what a transport shows of what it could not send
        browser.producer.pauseProducing()
        self.assertEqual(service.producerState, "paused")
        house.wire.advance(14.5)
        self.assertFalse(browser.disconnected)
        house.wire.advance(1.0)
        self.assertTrue(browser.disconnected)

    def test_relieved_reader(self) -> None:
        """A client that takes bytes again is read for again."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        browser.producer.pauseProducing()
        browser.producer.resumeProducing()
        self.assertEqual(service.producerState, "producing")
        house.wire.advance(60.0)
        self.assertFalse(browser.disconnected)


class ClosingTests(ChannelCase):
    def test_client_gone(self) -> None:
        """P14: a client that is gone takes its upstream request with it."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        browser.lost(clean=False)
        self.assertTrue(service.disconnecting)
        self.assertEqual(house.records[0].reason, "the client went away")

    def test_half_close(self) -> None:
        """P13: an answer that comes soon after the client's FIN is delivered; one that does not, is not waited for."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        browser.fin()
        service.answers(OK)
        self.assertTrue(browser.takes().endswith(b"ok"))
        self.assertTrue(browser.disconnecting)
        browser = house.browser()
        browser.asks()
        browser.fin()
        house.wire.advance(6.0)
        self.assertTrue(browser.disconnected)
        self.assertTrue(service.disconnecting)

    def test_half_close_behind_several(self) -> None:
        """P13: what was asked for before the FIN is answered, each in its turn; the last answer says that it is the last."""
        house = self.house()
        browser = house.browser()
        browser.sends((b"GET /1 HTTP/1.1\r\nHost: apps.test:8080\r\n" + COOKIE + b"\r\n") * 3)
        service = house.wire.accept()
        browser.fin()
        for left in (2, 1, 0):
            service.answers(OK)
            answer = browser.takes()
            self.assertEqual((answer.count(b"200 OK"), b"\r\nConnection: close\r\n" in answer), (1, not left), left)
        self.assertTrue(browser.disconnecting)

    def test_half_close_inside_a_request(self) -> None:
        """A FIN inside a head or a body is the end: nobody will send the rest."""
        for rest in (b"GET / HT", b"POST / HTTP/1.1\r\nHost: apps.test:8080\r\n" + COOKIE + b"Content-Length: 5\r\n\r\nab"):
            house = self.house()
            browser = house.browser()
            browser.asks()
            browser.sends(rest)
            service = house.wire.accept()
            browser.fin()
            service.answers(OK)
            self.assertEqual(browser.takes().count(b"200 OK"), 1)
            self.assertTrue(browser.disconnecting)
            house.wire.advance(1.0)
            self.assertEqual(house.wire.pool.active, 0)

    def test_slow_reader_of_the_last_answer(self) -> None:
        """A closing connection lasts as long as the client takes what it is owed, and is cut off when it takes nothing."""
        house = self.house(limits=LimitSettings(stalled=15.0))
        browser = house.browser()
        browser.asks(fields=COOKIE + b"Connection: close\r\n")
        service = house.wire.accept()
        browser.loseConnection = lambda: None  # type: ignore[method-assign]  # not before the buffer is empty
        browser.dataBuffer = b"x" * 1000
        service.answers(OK)
        for left in (800, 600, 400):
            browser.dataBuffer = b"x" * left
            house.wire.advance(15.0)
            self.assertFalse(browser.disconnected, left)
        house.wire.advance(15.5)
        self.assertTrue(browser.disconnected)

    def test_cut_answer(self) -> None:
        """P9: an answer that breaks off breaks off for the client: no last chunk, fewer bytes than promised."""
        for head, body in ((b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n"), (b"Content-Length: 10\r\n\r\n", b"ok")):
            house = self.house()
            browser = house.browser()
            browser.asks()
            service = house.wire.accept()
            service.answers(b"HTTP/1.1 200 OK\r\n" + head + body)
            service.lost()
            answer = browser.takes()
            self.assertTrue(answer.endswith(body), answer)
            self.assertTrue(browser.disconnecting)
            self.assertEqual(house.records[0].event, "request.failed")

    def test_drain(self) -> None:
        """Draining closes idle connections at once and busy ones after their answer, which says so."""
        house = self.house()
        idle, busy = house.browser(), house.browser()
        busy.asks()
        service = house.wire.accept()
        house.gateway.draining = True
        for channel in list(house.gateway.channels):
            channel.close_when_idle()
        self.assertTrue(idle.disconnecting)
        self.assertFalse(busy.disconnecting)
        service.answers(OK)
        self.assertIn(b"\r\nConnection: close\r\n", busy.takes())
        self.assertTrue(busy.disconnecting)

    def test_unread_answers(self) -> None:
        """A client that sends requests and takes no answers is served no further until it does: its answers are not collected."""
        house = self.house()
        browser = house.browser()
        browser.producer.pauseProducing()
        for _ in range(100):
            browser.asks(method=b"OPTIONS", target=b"*", fields=b"X: " + b"x" * 300 + b"\r\n")
        self.assertEqual((browser.takes(), browser.producerState), (b"", "paused"))
        self.assertLess(len(next(iter(house.gateway.channels))._waiting), 40_000)
        browser.producer.resumeProducing()
        self.assertEqual((browser.takes().count(b"HTTP/1.1 204 "), browser.producerState), (100, "producing"))

    def test_answer_behind_unread_answer(self) -> None:
        """A service is asked for the next answer only when the client takes the one before: else nobody would stop it."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        service.takes()
        browser.asks()
        browser.producer.pauseProducing()
        service.answers(OK)
        self.assertEqual(service.takes(), b"")
        browser.producer.resumeProducing()
        self.assertIn(b"GET / ", service.takes())
        service.answers(OK)
        self.assertEqual(browser.takes().count(b"200 OK"), 2)

    def test_pipelined_flood(self) -> None:
        """A client that sends ahead is not read on until its turn comes."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        browser.sends(b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 20000)
        self.assertEqual(browser.producerState, "paused")
        service.answers(OK)
        self.assertEqual(browser.producerState, "producing")

    def test_many_at_once(self) -> None:
        """Ten thousand pipelined requests that are answered at once need no deeper stack than one."""
        house = self.house()
        browser = house.browser()
        browser.sends(b"OPTIONS * HTTP/1.1\r\nHost: apps.test\r\n\r\n" * 10_000)
        self.assertEqual(browser.takes().count(b"HTTP/1.1 204 "), 10_000)
        browser.sends(b"GET /_meshproxy/x HTTP/1.1\r\nHost: apps.test\r\n\r\n" * 2_000)
        self.assertEqual(browser.takes().count(b"own page: GET"), 2_000)
        browser.asks()
        service = house.wire.accept()
        browser.sends((b"GET / HTTP/1.1\r\nHost: apps.test\r\n" + COOKIE + b"\r\n") * 2_000)
        for _ in range(2_001):
            service.answers(OK)
        self.assertEqual(browser.takes().count(b"HTTP/1.1 200 OK"), 2_001)


class FaultTests(ChannelCase):
    """A fault of ours or of a plugin ends in a 500 or in the end of the connection, with a traceback in the log; nothing hangs."""

    def test_while_deciding(self) -> None:
        """Whatever breaks before the request is forwarded: 500, and nothing goes up."""
        house = self.house()
        house.sessions.recall = lambda *_: 1 / 0  # type: ignore[method-assign]
        browser = house.browser()
        browser.asks()
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 500 "))
        self.assertEqual((house.wire.waiting, house.records[0].status), (0, 500))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_while_routing(self) -> None:
        """So where it is not known yet whose request it is."""
        house = self.house()
        house.tree.locate = lambda facts: 1 / 0  # type: ignore[method-assign]
        browser = house.browser()
        browser.asks()
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 500 "))
        self.assertTrue(browser.half_closed)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_without_a_page(self) -> None:
        """Where even the error page breaks, the connection ends and the record is written."""
        for path, parts in ((b"/", 2), (b"bad", 2)):
            house = self.house()
            house.gateway.refusals._pages.problem = lambda *_, **__: 1 / 0
            house.sessions.recall = lambda *_: [][1]  # type: ignore[method-assign]
            browser = house.browser()
            browser.asks(path)
            self.assertEqual(browser.takes(), b"")
            self.assertTrue(browser.disconnecting)
            self.assertEqual(len(self.flushLoggedErrors()), parts)

    def test_failed_upstream_without_a_page(self) -> None:
        """A service that fails while our pages are broken leaves nobody waiting."""
        house = self.house()
        browser = house.browser()
        browser.asks()
        service = house.wire.accept()
        house.gateway.refusals._pages.problem = lambda *_, **__: 1 / 0
        service.lost()
        self.assertTrue(browser.disconnecting)
        self.assertEqual(len(house.records), 1)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_in_a_deadline(self) -> None:
        """A deadline that breaks ends the connection."""
        house = self.house()
        house.gateway.refusals._pages.problem = lambda *_, **__: 1 / 0
        browser = house.browser()
        browser.sends(b"GET")
        house.wire.advance(11.0)
        self.assertTrue(browser.disconnected)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_observer(self) -> None:
        """An observer that breaks is logged; the answer goes out all the same."""
        house = self.house()
        house.gateway.observers = (lambda exchange: 1 / 0,)  # type: ignore[assignment]
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        self.assertTrue(browser.takes().endswith(b"ok"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
