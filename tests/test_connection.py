"""One connection to a service: what the relay is told, what reaches the service, and whether the connection lives on."""

from __future__ import annotations

from meshproxy.settings import TimeoutSettings

from .support.wire import HEAD, SWITCHING, Recorder, WireTests

OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"
POST = b"POST /x HTTP/1.1\r\nHost: service\r\nContent-Length: 6\r\n\r\n"
CHUNKED_POST = b"POST /x HTTP/1.1\r\nHost: service\r\nTransfer-Encoding: chunked\r\n\r\n"


class Answers(WireTests):
    """The table of wire-rules §4.2: reply, what the relay gets, and whether the connection is used again."""

    def replied(self, *reply: bytes, head: bytes = HEAD, fin: bool = False) -> Recorder:
        receiver, self.service = self.wire.ask(head)
        self.assertEqual(self.service.takes(), head)
        self.service.answers(*reply)
        if fin:
            self.service.fin()
        self.wire.reactor.advance(0)
        return receiver

    def reused(self) -> bool:
        """Whether the next request goes on the same connection."""
        self.wire.submit()
        return not self.wire.waiting

    def test_complete(self) -> None:
        """A complete answer: head, body, end, in this order, and the connection serves the next."""
        receiver = self.replied(FIVE)
        self.assertEqual(
            receiver.calls,
            [
                ("upstream_connected",),
                ("answer_started", 200, b"OK", [(b"Content-Length", b"5")], 5, False),
                ("answer_data", b"hello"),
                ("answer_finished",),
            ],
        )
        self.assertTrue(self.reused())
        self.assertEqual(self.service.takes(), HEAD)

    def test_length_cut(self) -> None:
        """A counted body that is cut is a failure in the body, never an end."""
        receiver = self.replied(FIVE[:-1], fin=True)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end, receiver.body), ("body", "eof", b"hell"))
        self.assertNotIn("answer_finished", receiver.names())

    def test_chunked_cut(self) -> None:
        """So is a chunked one."""
        receiver = self.replied(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", fin=True)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end, receiver.body), ("body", "eof", b"hello"))

    def test_body_reset(self) -> None:
        """A reset inside a body says that it was one, even where the end of the connection would be the end of the body."""
        receiver = self.replied(OK + b"\r\nabc")
        self.service.lost(clean=False)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("body", "reset"))

    def test_until_close(self) -> None:
        """A body that ends with the connection is whole when the service closes in order."""
        receiver = self.replied(OK + b"\r\nabc", b"def", fin=True)
        self.assertEqual((receiver.body, receiver.names()[-1]), (b"abcdef", "answer_finished"))
        self.assertFalse(self.reused())

    def test_te_and_cl(self) -> None:
        """Transfer-Encoding beside Content-Length: 502, nothing of it reaches the browser, the connection is reset."""
        receiver = self.replied(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        self.assertEqual(
            (receiver.evidence.end, receiver.evidence.phase, receiver.names()[:-1]), ("invalid", "head", ["upstream_connected"])
        )
        self.assertTrue(self.service.disconnected)

    def test_bad_chunk_in_the_first_bytes(self) -> None:
        """A bad chunk that comes with the head: still a 502, the head is held back."""
        receiver = self.replied(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        self.assertEqual((receiver.evidence.end, receiver.status), ("invalid", None))

    def test_bad_chunk_later(self) -> None:
        """A bad chunk after the head went on: the body is cut."""
        receiver = self.replied(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"zz\r\n")
        self.assertEqual((receiver.evidence.end, receiver.evidence.phase, receiver.body), ("invalid", "body", b"ab"))

    def test_second_answer(self) -> None:
        """A second answer behind the first: dropped, counted, and the connection is closed."""
        receiver = self.replied(FIVE + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        self.assertEqual((receiver.body, receiver.names()[-1], self.wire.pool.surplus_total), (b"hello", "answer_finished", 1))
        self.assertFalse(self.reused())

    def test_bytes_behind_204_and_304(self) -> None:
        """Bytes behind an answer that has no body: none arrives, the connection is closed."""
        for head in (b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"):
            receiver = self.replied(head + b"abc")
            self.assertEqual((receiver.body, receiver.names()[-1], receiver.of("answer_started")[0][4]), (b"", "answer_finished", True))
            self.assertTrue(self.service.disconnecting)
            self.assertEqual(self.wire.pool.idle, 0)

    def test_head_request(self) -> None:
        """The answer to HEAD ends with its head; Content-Length is metadata, and the connection is used again."""
        receiver = self.replied(OK + b"Content-Length: 1000000\r\n\r\n", head=HEAD.replace(b"GET", b"HEAD"))
        self.assertEqual(receiver.of("answer_started"), [(200, b"OK", [(b"Content-Length", b"1000000")], 1000000, True)])
        self.assertEqual(receiver.names()[-1], "answer_finished")
        self.assertTrue(self.reused())

    def test_interim(self) -> None:
        """100 and 103 go up as they come."""
        receiver = self.replied(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + FIVE)
        self.assertEqual(receiver.of("interim_received"), [(100, b"Continue", []), (103, b"Early Hints", [(b"Link", b"</a>")])])
        self.assertEqual(receiver.body, b"hello")
        self.assertTrue(self.reused())

    def test_too_many_interim(self) -> None:
        """The 21st interim answer is one too many."""
        receiver = self.replied(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 21)
        self.assertEqual((receiver.evidence.end, len(receiver.of("interim_received"))), ("invalid", 20))

    def test_switching_unasked(self) -> None:
        """101 to a request that asked for none: 502."""
        self.assertEqual(self.replied(SWITCHING).evidence.end, "invalid")

    def test_connection_close(self) -> None:
        """``Connection: close`` in any list on any line, and HTTP/1.0: delivered, then closed."""
        for reply in (
            OK + b"Connection: Close\r\n",
            OK + b"Connection: close, x-a\r\n",
            OK + b"Connection: x-a\r\nConnection: close\r\n",
            b"HTTP/1.0 200 OK\r\n",
        ):
            receiver = self.replied(reply + b"Content-Length: 5\r\n\r\nhello")
            self.assertEqual((receiver.body, receiver.names()[-1]), (b"hello", "answer_finished"))
            self.assertTrue(self.service.disconnecting and not self.service.disconnected)

    def test_large_cookie(self) -> None:
        """A Set-Cookie of 17 KB passes."""
        receiver = self.replied(OK + b"Set-Cookie: a=" + b"x" * 17000 + b"\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((receiver.status, receiver.names()[-1]), (200, "answer_finished"))

    def test_2000_fields(self) -> None:
        """2,000 fields do not."""
        self.assertEqual(self.replied(OK + b"A: b\r\n" * 2000 + b"\r\n").evidence.end, "invalid")

    def test_odd_status_lines(self) -> None:
        """99, 1000, +200 and HTTP/3.7: 502, with the first bytes as evidence."""
        for line in (b"HTTP/1.1 99 X", b"HTTP/1.1 1000 X", b"HTTP/1.1 +200 OK", b"HTTP/3.7 200 OK"):
            evidence = self.replied(line + b"\r\nContent-Length: 0\r\n\r\n").evidence
            self.assertEqual((evidence.end, evidence.first_bytes[: len(line)]), ("invalid", line))

    def test_not_http(self) -> None:
        """Bytes of another protocol are quoted, at most 40, and counted."""
        evidence = self.replied(b"-ERR wrong number of arguments for 'get' command, and so on\r\n").evidence
        self.assertEqual((evidence.end, evidence.first_bytes), ("invalid", b"-ERR wrong number of arguments for 'get'"))
        self.assertEqual(evidence.received_bytes, 61)

    def test_cr_nul_fold(self) -> None:
        """CR or NUL in a value and folded lines: 502; a bare LF at a line's end is taken."""
        for line in (b"A: b\rc", b"A: b\x00c", b"A: b\r\n c"):
            self.assertEqual(self.replied(OK + line + b"\r\nContent-Length: 0\r\n\r\n").evidence.end, "invalid")
        self.assertEqual(self.replied(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello").body, b"hello")

    def test_closed_before_the_head(self) -> None:
        """Closed or reset before a byte: a failure (502), never an empty answer."""
        evidence = self.replied(fin=True).evidence
        self.assertEqual((evidence.phase, evidence.end, evidence.received_bytes, evidence.reused), ("head", "eof", 0, False))
        receiver = self.replied()
        self.service.lost(clean=False)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("head", "reset"))

    def test_many_chunks_come_as_one(self) -> None:
        """Chunks that arrive together are handed on together: one write for the browser's side."""
        receiver = self.replied(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500, b"1\r\ny\r\n0\r\n\r\n")
        self.assertEqual(receiver.of("answer_data"), [(b"x" * 500,), (b"y",)])

    def test_cancelled_in_the_middle(self) -> None:
        """A relay that cancels inside a call hears nothing more, and the connection is reset."""
        for name in ("upstream_connected", "interim_received", "answer_started", "answer_data"):
            receiver = Recorder(**{name: lambda receiver: receiver.exchange.cancel()})
            self.wire.submit(receiver=receiver)
            service = self.wire.accept()
            if name == "upstream_connected":
                self.assertEqual(service.takes(), b"")
            else:
                service.answers(b"HTTP/1.1 103 E\r\n\r\n" + FIVE)
            self.assertEqual(receiver.names()[-1], name)
            self.assertTrue(service.disconnected)
            self.assertEqual(self.wire.pool.active, 0)
            self.wire.reactor.advance(0)


class StaleHolders(WireTests):
    def test_old_exchange_is_powerless(self) -> None:
        """Who keeps the exchange of a finished request cannot touch the next one on the same connection."""
        first, service = self.wire.ask()
        service.answers(FIVE)
        service.takes()
        second = self.wire.submit()
        old = first.exchange
        old.write_body(b"evil")
        old.finish_body()
        old.pause_answer()
        old.resume_answer()
        old.write_tunnel(b"evil")
        old.finish_tunnel()
        old.cancel()
        self.assertEqual(service.takes(), HEAD)
        self.assertEqual((service.producerState, service.disconnecting), ("producing", False))
        service.answers(FIVE)
        self.assertEqual(second.names()[-1], "answer_finished")


class Bodies(WireTests):
    def test_counted_upload(self) -> None:
        """A counted body goes up as it is, and the connection is used again."""
        receiver, service = self.wire.ask(POST, body=True)
        receiver.exchange.write_body(b"abc")
        receiver.exchange.write_body(b"def")
        receiver.exchange.finish_body()
        self.assertEqual(service.takes(), POST + b"abcdef")
        service.answers(FIVE)
        self.assertEqual((receiver.names()[-1], self.wire.pool.idle), ("answer_finished", 1))

    def test_chunked_upload(self) -> None:
        """A chunked body is framed here; an empty piece is no last chunk."""
        receiver, service = self.wire.ask(CHUNKED_POST, body=True, chunked=True)
        receiver.exchange.write_body(b"hello world, hello")
        receiver.exchange.write_body(b"")
        receiver.exchange.write_body(b"x")
        receiver.exchange.finish_body()
        self.assertEqual(service.takes(), CHUNKED_POST + b"12\r\nhello world, hello\r\n1\r\nx\r\n0\r\n\r\n")

    def test_body_with_the_head(self) -> None:
        """Body bytes given in ``upstream_connected`` go out behind the head, never before it."""

        def give(receiver: Recorder) -> None:
            receiver.exchange.write_body(b"abcdef")
            receiver.exchange.finish_body()

        receiver = Recorder(upstream_connected=give)
        self.wire.submit(POST, receiver=receiver, body=True)
        self.assertEqual(self.wire.accept().takes(), POST + b"abcdef")

    def test_body_of_the_wrong_length(self) -> None:
        """Longer, shorter, unannounced or without length: the connection is aborted, the caller is told."""
        cases = (
            (POST, {"body": True}, lambda e: e.write_body(b"1234567")),
            (POST, {"body": True}, lambda e: (e.write_body(b"12345"), e.finish_body())),
            (HEAD, {}, lambda e: e.write_body(b"x")),
            (POST, {"body": True}, lambda e: (e.write_body(b"123456"), e.finish_body(), e.write_body(b"7"))),
        )
        for head, more, act in cases:
            receiver, service = self.wire.ask(head, **more)
            act(receiver.exchange)
            self.assertEqual((receiver.evidence.end, service.disconnected), ("aborted", True))
            self.assertNotIn(b"7", service.takes())
            self.wire.reactor.advance(0)
        receiver, service = self.wire.ask(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", body=True)
        self.assertEqual((receiver.evidence.end, service.takes()), ("aborted", b""))

    def test_early_answer(self) -> None:
        """An answer that does not wait for the body is delivered at once; the upload may go on, the connection is not used again."""
        receiver, service = self.wire.ask(POST, body=True)
        receiver.exchange.write_body(b"abc")
        service.answers(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        self.assertEqual((receiver.status, receiver.body, receiver.names()[-1]), (413, b"no", "answer_finished"))
        self.assertEqual(self.wire.pool.idle, 0)
        receiver.exchange.write_body(b"def")
        self.assertEqual(service.takes(), POST + b"abcdef")
        self.assertFalse(service.disconnecting)
        receiver.exchange.finish_body()
        self.assertTrue(service.disconnecting and not service.disconnected)
        self.assertEqual((self.wire.pool.idle, self.wire.pool.active), (0, 0))

    def test_answer_while_the_upload_goes_on(self) -> None:
        """Head and body of an answer flow while the request body still does."""
        receiver, service = self.wire.ask(CHUNKED_POST, body=True, chunked=True)
        service.answers(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        self.assertEqual((receiver.status, receiver.body), (200, b"ab"))
        receiver.exchange.write_body(b"more")
        service.answers(b"2\r\ncd\r\n")
        receiver.exchange.finish_body()
        service.answers(b"0\r\n\r\n")
        self.assertEqual((receiver.body, receiver.names()[-1], self.wire.pool.idle), (b"abcd", "answer_finished", 1))

    def test_abandoned_upload(self) -> None:
        """An upload that nobody continues after its answer ends after a second, in silence, and gives its place back."""
        receiver, service = self.wire.ask(POST, body=True)
        service.answers(FIVE)
        self.wire.advance(0.5)
        self.assertFalse(service.disconnecting)
        self.wire.advance(1)
        self.assertTrue(service.disconnected)
        self.assertEqual((receiver.names()[-1], self.wire.pool.active), ("answer_finished", 0))

    def test_upload_after_the_answer_has_no_back_pressure(self) -> None:
        """After ``answer_finished`` the relay hears nothing more; when the service takes no more, the upload ends."""
        receiver, service = self.wire.ask(POST, body=True)
        service.answers(FIVE)
        service.producer.pauseProducing()
        service.producer.resumeProducing()
        service.producer.pauseProducing()
        receiver.exchange.write_body(b"abc")
        self.assertEqual((receiver.names()[-1], service.disconnected, self.wire.pool.active), ("answer_finished", True, 0))

    def test_lingering_ends_with_the_service(self) -> None:
        """After an early answer the service's close, its surplus bytes or a cancel end the upload without another call."""
        for act in ("fin", "lost", "cancel"):
            receiver, service = self.wire.ask(POST, body=True)
            service.answers(FIVE)
            receiver.exchange.cancel() if act == "cancel" else getattr(service, act)()
            self.assertEqual((receiver.names()[-1], self.wire.pool.active), ("answer_finished", 0))
            self.wire.reactor.advance(0)

    def test_reset_in_the_upload(self) -> None:
        """A reset before the body is out is told apart: the phase is ``send``."""
        receiver, service = self.wire.ask(POST, body=True)
        receiver.exchange.write_body(b"abc")
        service.lost(clean=False)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("send", "reset"))


class BackPressure(WireTests):
    def test_slow_service(self) -> None:
        """The transport's pause and resume reach the relay."""
        receiver, service = self.wire.ask(CHUNKED_POST, body=True, chunked=True)
        service.producer.pauseProducing()
        service.producer.resumeProducing()
        self.assertEqual(receiver.names()[-2:], ["pause_body", "resume_body"])

    def test_slow_browser(self) -> None:
        """The relay's pause stops reading; the idle timeout does not run meanwhile, and runs again afterwards."""
        receiver, service = self.wire.ask()
        service.answers(FIVE[:-2])
        receiver.exchange.pause_answer()
        receiver.exchange.pause_answer()
        self.assertEqual(service.producerState, "paused")
        self.wire.advance(400)
        self.assertEqual(receiver.names()[-1], "answer_data")
        receiver.exchange.resume_answer()
        self.assertEqual(service.producerState, "producing")
        self.wire.advance(299)
        self.assertEqual(receiver.names()[-1], "answer_data")
        self.wire.advance(2)
        self.assertEqual((receiver.evidence.end, receiver.evidence.phase), ("timeout", "body"))

    def test_paused_at_the_end(self) -> None:
        """A relay that pauses in the last piece: the idle connection is read again, or its FIN would not be seen."""
        receiver = Recorder(answer_data=lambda receiver: receiver.exchange.pause_answer())
        self.wire.submit(receiver=receiver)
        service = self.wire.accept()
        service.answers(FIVE)
        self.assertEqual((service.producerState, self.wire.pool.idle), ("producing", 1))

    def test_choked_connection_is_not_reused(self) -> None:
        """A connection whose service has not taken our last bytes carries no other request."""
        receiver, service = self.wire.ask(POST, body=True)
        receiver.exchange.write_body(b"abcdef")
        receiver.exchange.finish_body()
        service.producer.pauseProducing()
        service.answers(FIVE)
        self.assertEqual((receiver.names()[-1], self.wire.pool.idle, service.disconnecting), ("answer_finished", 0, True))


class Timeouts(WireTests):
    def test_response(self) -> None:
        """No head within ``response``: a timeout, the connection is aborted."""
        receiver, service = self.wire.ask()
        self.wire.advance(59.75)
        self.assertEqual(receiver.names(), ["upstream_connected"])
        self.wire.advance(0.75)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end, service.disconnected), ("head", "timeout", True))
        self.assertEqual(receiver.evidence.timings["head"], 60.25)

    def test_drop_by_drop(self) -> None:
        """A head that comes byte by byte has no more time than any other."""
        receiver, service = self.wire.ask()
        for byte in FIVE[:20]:
            self.wire.advance(4)
            if receiver.of("upstream_failed"):
                break
            service.answers(bytes((byte,)))
        self.assertEqual((receiver.evidence.end, receiver.evidence.phase), ("timeout", "head"))

    def test_upload_renews_response(self) -> None:
        """While the upload makes progress the service has its time anew."""
        receiver, service = self.wire.ask(CHUNKED_POST, body=True, chunked=True)
        for _ in range(5):
            self.wire.advance(50)
            receiver.exchange.write_body(b"x")
        receiver.exchange.finish_body()
        self.wire.advance(59)
        self.assertEqual(receiver.names(), ["upstream_connected"])
        self.wire.advance(2)
        self.assertEqual(receiver.evidence.end, "timeout")
        self.assertTrue(service.disconnected)

    def test_idle_between_bytes(self) -> None:
        """``idle`` counts from byte to byte, shorter than ``response`` too."""
        for idle in (300.0, 5.0):
            wire = self.other_wire(timeouts=TimeoutSettings(idle=idle))
            receiver, service = wire.ask()
            service.answers(OK + b"\r\n")
            for _ in range(4):
                wire.advance(idle - 1)
                service.answers(b"tick")
            self.assertEqual(receiver.body, b"tick" * 4)
            wire.advance(idle + 0.5)
            self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("body", "timeout"))

    def test_idle_connection(self) -> None:
        """An idle connection is closed after ``[pool] idle``, or a second before the service says it will."""
        for keep_alive, seconds in ((b"", 50), (b"Keep-Alive: timeout=5\r\n", 4), (b"Keep-Alive: timeout=500\r\n", 50)):
            wire = self.other_wire()
            _, service = wire.ask()
            service.answers(OK + keep_alive + b"Content-Length: 0\r\n\r\n")
            wire.advance(seconds - 0.5)
            self.assertFalse(service.disconnecting, keep_alive)
            wire.advance(1)
            self.assertTrue(service.disconnecting, keep_alive)
            self.assertEqual(wire.pool.idle, 0)

    def test_idle_connection_after_long_answers(self) -> None:
        """A deadline that moved far away for an answer comes back for the idle time."""
        _, service = self.wire.ask()
        service.answers(FIVE[:-1])
        self.wire.advance(100)
        service.answers(FIVE[-1:])
        self.wire.advance(51)
        self.assertTrue(service.disconnecting)


class Idle(WireTests):
    def test_byte_while_idle(self) -> None:
        """A byte that nobody asked for while idle: closed, counted, and no request ever gets it."""
        _, service = self.wire.ask()
        service.answers(FIVE)
        service.answers(FIVE)
        self.assertEqual((service.disconnecting, self.wire.pool.idle, self.wire.pool.surplus_total), (True, 0, 1))
        self.wire.submit()
        self.assertEqual(self.wire.waiting, 1)

    def test_fin_while_idle(self) -> None:
        """A FIN or a reset while idle: gone from the pool at once."""
        for act in (lambda service: service.fin(), lambda service: service.lost(clean=False)):
            _, service = self.wire.ask()
            service.answers(FIVE)
            act(service)
            self.assertEqual(self.wire.pool.idle, 0)
            self.wire.reactor.advance(0)

    def test_retry(self) -> None:
        """A reused connection that dies without a byte: GET is sent once more, on a new one, and the relay never knows."""
        for act in (lambda service: service.fin(), lambda service: service.lost(clean=False), lambda service: service.lost()):
            _, service = self.wire.ask()
            service.answers(FIVE)
            receiver = self.wire.submit()
            act(service)
            self.assertEqual(self.wire.waiting, 1)
            second = self.wire.accept()
            self.assertEqual(second.takes(), HEAD)
            second.answers(FIVE)
            self.assertEqual(receiver.names(), ["upstream_connected", "answer_started", "answer_data", "answer_finished"])
            second.fin()
            self.wire.reactor.advance(0)
        self.assertEqual((self.wire.pool.retried_total, self.wire.pool.active), (3, 0))

    def test_retry_is_once(self) -> None:
        """When the second connection dies as well, that is the answer: two attempts."""
        _, service = self.wire.ask()
        service.answers(FIVE)
        receiver = self.wire.submit()
        service.fin()
        self.wire.accept().fin()
        self.assertEqual((receiver.evidence.end, receiver.evidence.attempts, self.wire.waiting), ("eof", 2, 0))

    def test_no_retry(self) -> None:
        """Never retried: on a fresh connection, with a body, another method, after a byte, after a timeout."""
        receiver, service = self.wire.ask()
        service.fin()
        self.assertEqual((receiver.evidence.attempts, self.wire.waiting), (1, 0))
        post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        for head, more, act in (
            (post, {}, lambda service: service.fin()),
            (POST.replace(b"POST", b"PUT"), {"body": True}, lambda service: service.fin()),
            (HEAD, {}, lambda service: (service.answers(b"H"), service.fin())),
            (HEAD, {}, lambda service: self.wire.advance(61)),
        ):
            _, service = self.wire.ask()
            service.answers(FIVE)
            receiver = self.wire.submit(head, **more)
            act(service)
            self.assertEqual((receiver.evidence.attempts, receiver.evidence.reused, self.wire.waiting), (1, True, 0))
            self.wire.reactor.advance(0)
