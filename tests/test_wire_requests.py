"""RFC 9112 as a client may bend it: every row R1 to R38 of the wire rules, through the whole path, bytes in and bytes out.

Each row says what is sent, what comes back, and what the service saw of it. Whatever was sent, the next person's request on the
same upstream connection gets its own answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshproxy.settings import LimitSettings

from .support.house import COOKIE, House
from .support.strict import read_answer, read_answers, read_request
from .support.wire import ServiceTransport
from .test_channel import OK, ChannelCase

HOST = b"Host: apps.test:8080\r\n"
MINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"


def get(fields: bytes = b"", *, line: bytes = b"GET / HTTP/1.1", host: bytes = HOST, body: bytes = b"") -> bytes:
    """A request by somebody who is logged in."""
    return line + b"\r\n" + host + COOKIE + fields + b"\r\n" + body


def post(fields: bytes, body: bytes = b"") -> bytes:
    return get(fields, line=b"POST / HTTP/1.1", body=body)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked\r\n", body)


# What is refused before the service hears of it: name, bytes, statuses that will do.
REFUSED: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "R1 no Host": (get(host=b""), (400,)),
    "R2 two Host lines": (get(HOST), (400,)),
    "R2 two Host lines that differ": (get(b"hOST: other.test\r\n"), (400,)),
    **{f"R3 Host {value!r}": (get(host=b"Host: " + value + b"\r\n"), (400,)) for value in (
        b"a b", b"a,b", b"a/b", b"user@a", b"", b"[::1", b"a:b", b"a:99999", b"a\\b", b"a?b", b"[fe80::1%25eth0]", b"a\tb",
        b"\xc3\xa4.test",
    )},
    "R4 Content-Length and Transfer-Encoding": (post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (400,)),
    "R4 Transfer-Encoding and Content-Length": (post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), (400,)),
    "R5 twice the same length": (post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), (400,)),
    "R5 a list of lengths": (post(b"Content-Length: 5, 5\r\n", b"hello"), (400,)),
    "R6 two lengths": (post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"), (400,)),
    **{f"R7 length {value!r}": (post(b"Content-Length: " + value + b"\r\n", b"hello"), (400,))
       for value in (b"+5", b"0_5", b"", b"0x5", b"5 5", b"-1", b"5.0", b"\xd9\xa5", b"5;", b'"5"')},
    "R8 length of 5,000 digits": (post(b"Content-Length: " + b"1" * 5000 + b"\r\n"), (400, 413)),
    "R8 length beyond 2^63": (post(b"Content-Length: 9223372036854775808\r\n"), (400, 413)),
    "R8 length beyond 2^64": (post(b"Content-Length: 18446744073709551617\r\n"), (400, 413)),
    **{f"R9 coding {value!r}": (post(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n"), (400, 501)) for value in (
        b"xchunked", b"gzip, chunked", b"chunked, identity", b",chunked", b"\x0bchunked", b"chunked, chunked", b'"chunked"',
        b"chunked;a=b",
        b"chunked ,", b"gzip")},
    "R10 identity": (post(b"Transfer-Encoding: identity\r\n"), (400, 501)),
    "R10 identity and a length": (post(b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"hello"), (400, 501)),
    "R11 two codings": (post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (400,)),
    "R11 one coding hidden": (post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", b"0\r\n\r\n"), (400, 501)),
    "R12 HTTP/1.0 in chunks": (get(b"Transfer-Encoding: chunked\r\n", line=b"POST / HTTP/1.0", body=b"0\r\n\r\n"), (400,)),
    "R13 space before the colon": (get(b"X-A : 1\r\n"), (400,)),
    "R13 tab before the colon": (get(b"Content-Length\t: 5\r\n", body=b"hello"), (400,)),
    "R14 folded line": (get(b"X-A: 1\r\n 2\r\n"), (400,)),
    "R14 folded by a tab": (get(b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n"), (400,)),
    "R15 space before the first field": (b"GET / HTTP/1.1\r\n " + HOST + COOKIE + b"\r\n", (400,)),
    "R16 bare LF": (get().replace(b"\r\n", b"\n"), (400,)),
    "R16 one bare LF": (get(b"X-A: 1\nX-B: 2\r\n"), (400,)),
    "R16 request line with LF": (get(line=b"GET / HTTP/1.1\nX: y"), (400,)),
    **{f"R17 {value!r} in a value": (get(b"X-A: 1" + value + b"2\r\n"), (400,)) for value in (b"\n", b"\r", b"\0")},
    **{f"R18 {value!r} in a value": (get(b"X-A: 1" + value + b"2\r\n"), (400,)) for value in (b"\x01", b"\x7f", b"\x0b", b"\x1f",
            b"\x08")},
    "R19 empty name": (get(b": 1\r\n"), (400,)),
    "R19 no colon": (get(b"X-A\r\n"), (400,)),
    **{f"R19 {value!r} in a name": (get(b"X" + value + b"A: 1\r\n"), (400,)) for value in (b"(", b"\x80", b"[", b'"', b",", b"\0",
            b"@", b"{")},
    "R25 absolute-form of another host": (get(line=b"GET http://other.test/x HTTP/1.1"), (400,)),
    "R25 absolute-form of another port": (get(line=b"GET http://apps.test:9090/x HTTP/1.1"), (400,)),
    "R25 absolute-form with a user": (get(line=b"GET http://root@apps.test:8080/x HTTP/1.1"), (400,)),
    "R25 another scheme": (get(line=b"GET ftp://apps.test:8080/x HTTP/1.1"), (400,)),
    "R26 CONNECT": (get(line=b"CONNECT apps.test:8080 HTTP/1.1"), (405, 501)),
    "R26 CONNECT elsewhere": (get(line=b"CONNECT 127.0.0.1:22 HTTP/1.1"), (405, 501)),
    **{f"R27 GET {value!r}": (get(line=b"GET " + value + b" HTTP/1.1"), (400,))
       for value in (b"apps.test:8080", b"admin", b"!", b"?a=b", b"apps.test/x", b"../x", b":/x")},
    "R29 GET *": (get(line=b"GET * HTTP/1.1"), (400,)),
    "R30 fragment": (get(line=b"GET /a#b HTTP/1.1"), (400,)),
    **{f"R31 {value!r} in the target": (get(line=b"GET /a" + value + b"b HTTP/1.1"), (400,))
       for value in (b"\x80", b"\xff", b"\0", b"\x7f")},
    "R32 tab in the request line": (get(line=b"GET\t/ HTTP/1.1"), (400,)),
    "R32 tab before the version": (get(line=b"GET /\tHTTP/1.1"), (400,)),
    "R32 two spaces": (get(line=b"GET  / HTTP/1.1"), (400,)),
    "R32 two spaces before the version": (get(line=b"GET /  HTTP/1.1"), (400,)),
    "R32 space behind the version": (get(line=b"GET / HTTP/1.1 "), (400,)),
    "R32 HTTP/0.9": (b"GET /\r\n\r\n", (400, 505)),
    "R32 http/1.1": (get(line=b"GET / http/1.1"), (400,)),
    "R32 HTTP/1.2": (get(line=b"GET / HTTP/1.2"), (400, 505)),
    "R32 HTTP/2.0": (get(line=b"GET / HTTP/2.0"), (400, 505)),
    "R32 HTTP/1.10": (get(line=b"GET / HTTP/1.10"), (400, 505)),
    "R32 HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 501, 505)),
    "R32 lower case method": (get(line=b"get / HTTP/1.1"), (400, 501)),
    "R32 unknown method": (get(line=b"FROBNICATE / HTTP/1.1"), (400, 501)),
    "R32 TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
    "R33 head too large": (get(b"".join(b"X-%d: %b\r\n" % (n, b"a" * 1000) for n in range(70))), (431,)),
    "R33 one line too large": (get(b"X: " + b"a" * 70_000 + b"\r\n"), (431,)),
    "R33 target too long": (get(line=b"GET /" + b"a" * 17_000 + b" HTTP/1.1"), (414,)),
    "R33 target without end": (b"GET /" + b"a" * 200_000, (414,)),
    "R33 too many fields": (get(b"X: y\r\n" * 250), (431,)),
    "R35 another expectation": (post(b"Expect: foo\r\nContent-Length: 2\r\n", b"ok"), (417,)),
    "R37 two empty lines": (b"\r\n\r\n" + get(), (400,)),
    "two Origin lines": (get(b"Origin: http://apps.test:8080\r\norigin: http://evil.test\r\n"), (400,)),
}

# Bodies that turn out to be none: the head has gone up already; the service must never see a whole request.
BROKEN_BODIES: dict[str, bytes] = {
    **{f"R21 {body!r}"[:60]: body for body in (
        b"3;a\nb\r\nabc\r\n0\r\n\r\n", b"3;a\rb\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n",
        b"00000000000000003\r\nabc\r\n0\r\n\r\n", b"\r\nabc\r\n0\r\n\r\n", b"2\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n",
        b"3\r\nabc\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n", b"-1\r\nabc", b"3_0\r\nabc", b"g\r\nabc",
        b"ffffffffffffffffff\r\nabc", b"3;" + b"a" * 9000 + b"\r\nabc\r\n0\r\n\r\n", b"3\r\nabcGET /smuggled",
    )},
    **{f"R22 {trailer!r}": b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n\r\n"
       for trailer in (b"no colon", b": empty", b"X : 1", b"X: \0", b" folded: 1", b"X: 1\nY: 2", b"X(: 1")},
    "R22 trailer without end": b"3\r\nabc\r\n0\r\n" + b"X: " + b"a" * 10_000,
}


def pieces(data: bytes) -> Iterator[list[bytes]]:
    """The same bytes in one piece, and (where they are few) one by one: what is refused must not depend on it."""
    yield [data]
    if len(data) < 2000:
        yield [data[n : n + 1] for n in range(len(data))]


class RefusedTests(ChannelCase):
    def served_house(self, **more: Any) -> tuple[House, ServiceTransport]:
        """A house with an upstream connection that has served somebody already."""
        house = self.house(**more)
        first = house.browser()
        first.asks()
        service = house.wire.accept()
        service.answers(OK)
        service.takes()
        first.lost()
        return house, service

    def check_next(self, house: House, service: ServiceTransport, name: str) -> None:
        """The next person gets their own answer, over the connection that is there."""
        browser = house.browser()
        browser.sends(get(line=b"GET /next HTTP/1.1"))
        sent = read_request(service.takes())
        self.assertEqual((sent.start, sent.rest, sent.whole), ((b"GET", b"/next"), b"", True), name)
        service.answers(MINE)
        self.assertEqual(read_answer(browser.takes()).body, b"mine", name)
        self.assertEqual(house.wire.pool.opened_total, 1, name)
        browser.lost()

    def check_refusal(self, answer: bytes, statuses: tuple[int, ...], name: str) -> None:
        """One whole answer of ours that says that the connection closes."""
        message = read_answer(answer, closed=True)
        self.assertIn(message.status, statuses, name)
        self.assertTrue(message.whole, name)
        self.assertEqual(message.rest, b"", name)
        self.assertEqual(message.values(b"connection"), [b"close"], name)
        self.assertEqual(message.values(b"content-length"), [b"%d" % len(message.body)], name)
        for once in (b"x-request-id", b"date"):
            self.assertEqual(len(message.values(once)), 1, name)
        self.assertEqual(message.values(b"x-meshproxy-source"), [b"meshproxy"], name)

    def test_refused(self) -> None:
        """Each malformed request gets its 4xx or 5xx, whole; the service sees nothing of it; what follows it is not read as a request."""
        for name, (sent, statuses) in REFUSED.items():
            for parts in pieces(sent):
                house, service = self.served_house()
                browser = house.browser()
                browser.asks(b"/before")
                service.takes()
                service.answers(OK)
                browser.takes()
                for part in parts:
                    browser.sends(part)
                browser.sends(get(line=b"GET /smuggled HTTP/1.1"))
                self.check_refusal(browser.takes(), statuses, name)
                self.assertEqual((service.takes(), house.wire.waiting), (b"", 0), name)
                self.assertTrue(browser.half_closed or browser.disconnecting, name)
                self.assertEqual(house.records[-1].event, "request.refused", name)
                self.check_next(house, service, name)
                browser.lost()

    def test_broken_bodies(self) -> None:
        """A body that turns out to be none: 400, its upstream connection is given up, and no service saw a whole request."""
        for name, body in BROKEN_BODIES.items():
            for parts in pieces(chunked(body)):
                house, service = self.served_house()
                browser = house.browser()
                for part in parts:
                    browser.sends(part)
                browser.sends(get(line=b"GET /smuggled HTTP/1.1"))
                self.check_refusal(browser.takes(), (400,), name)
                self.assertFalse(read_request(service.takes()).whole, name)
                self.assertTrue(service.disconnected, name)
                other = house.browser()
                other.asks(b"/next")
                fresh = house.wire.accept()
                self.assertEqual(read_request(fresh.takes()).start, (b"GET", b"/next"), name)
                fresh.answers(MINE)
                self.assertEqual(read_answer(other.takes()).body, b"mine", name)
                house.close()

    def test_limits_are_settings(self) -> None:
        """R33: the limits on a head are those of the conf."""
        house = self.house(limits=LimitSettings(head_bytes=1024, target_bytes=100, fields=5))
        for sent, status in ((get(b"X: " + b"a" * 1000 + b"\r\n"), 431), (get(line=b"GET /" + b"a" * 200 + b" HTTP/1.1"), 414),
                             (get(b"X: y\r\n" * 4), 431), (get(b"X: y\r\n" * 3), 0)):
            browser = house.browser()
            browser.sends(sent)
            answer = browser.takes()
            self.assertEqual(read_answer(answer).status if answer else 0, status)


class ForwardedTests(ChannelCase):
    def sent(self, data: bytes, **more: Any) -> bytes:
        """What the service sees of a request."""
        house = self.house(**more)
        browser = house.browser()
        browser.sends(data)
        service = house.wire.accept()
        return service.takes()

    def test_chunk_extensions(self) -> None:
        """R20: an extension is dropped, the data goes on."""
        for body in (b"3;a=b\r\nabc\r\n0\r\n\r\n", b'3 ; a="b"\r\nabc\r\n0;c\r\n\r\n', b"0003\r\nabc\r\n000\r\n\r\n"):
            sent = read_request(self.sent(chunked(body)))
            self.assertEqual((sent.body, sent.whole, sent.rest), (b"abc", True, b""), body)

    def test_trailers(self) -> None:
        """R23: trailer fields never become fields, nor anything else upstream."""
        for name in (b"Authorization", b"Host", b"X-User", b"Content-Length", b"Transfer-Encoding", b"X-Fine"):
            raw = self.sent(chunked(b"3\r\nabc\r\n0\r\n%b: trailer\r\n\r\n" % name))
            self.assertNotIn(b"trailer", raw)
            self.assertTrue(read_request(raw).whole)

    def test_get_with_a_body(self) -> None:
        """R24: a body is forwarded whatever the method."""
        sent = read_request(self.sent(get(b"Content-Length: 5\r\n", body=b"hello")))
        self.assertEqual((sent.start, sent.body, sent.rest), ((b"GET", b"/"), b"hello", b""))

    def test_absolute_form(self) -> None:
        """R25: of our own authority it is routed, and goes up in origin-form."""
        for target, path in (
            (b"http://apps.test:8080/x?y", b"/x?y"), (b"HTTP://APPS.test:8080", b"/"), (b"http://apps.test:8080?q", b"/?q"),
        ):
            sent = read_request(self.sent(get(line=b"GET %b HTTP/1.1" % target)))
            self.assertEqual((sent.start[1], sent.values(b"host")), (path, [b"127.0.0.1"]))

    def test_about_the_server(self) -> None:
        """R28: ``OPTIONS *`` is answered here, logged in or not."""
        for cookie in (COOKIE, b""):
            house = self.house()
            browser = house.browser()
            browser.sends(b"OPTIONS * HTTP/1.1\r\n" + HOST + cookie + b"\r\n")
            self.assertIn(read_answer(browser.takes()).status, (200, 204))
            self.assertEqual(house.wire.waiting, 0)

    def test_continue(self) -> None:
        """R34: ``100 Continue`` comes after the decision; who may not enter gets the final answer and no 100."""
        house = self.house()
        browser = house.browser()
        ask = b"POST / HTTP/1.1\r\n" + HOST + b"%bExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        browser.sends(ask % COOKIE)
        self.assertEqual(browser.takes(), b"")
        service = house.wire.accept()
        self.assertEqual(browser.takes(), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(read_request(service.takes()).values(b"expect"), [])
        stranger = house.browser()
        stranger.sends(ask % b"")
        answer = stranger.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer)
        self.assertTrue(read_answer(answer, b"POST").whole)

    def test_pipelining(self) -> None:
        """R36: three at once are answered in order; a bad third loses neither of the first two."""
        for third, last in ((get(line=b"GET /3 HTTP/1.1"), 200), (b"GET bad HTTP/1.1\r\n\r\n", 400)):
            house = self.house()
            browser = house.browser()
            browser.sends(get(line=b"GET /1 HTTP/1.1") + get(line=b"GET /2 HTTP/1.1") + third)
            service = house.wire.accept()
            for number in (b"/1", b"/2", b"/3"):
                sent = service.takes()
                if sent:
                    self.assertEqual(read_request(sent).start[1], number)
                    service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + number)
            answers = read_answers(browser.takes(), [b"GET"] * 3)
            self.assertEqual([answer.status for answer in answers], [200, 200, last])
            self.assertEqual([answer.body for answer in answers][:2], [b"/1", b"/2"])

    def test_empty_line(self) -> None:
        """R37: one empty line before a request is borne, before the first and before others."""
        house = self.house()
        browser = house.browser()
        browser.sends(b"\r\n" + get())
        service = house.wire.accept()
        service.answers(OK)
        browser.sends(b"\r", b"\n", get())
        service.answers(OK)
        self.assertEqual(len(read_answers(browser.takes(), [b"GET", b"GET"])), 2)

    def test_h2c(self) -> None:
        """R38: an upgrade to h2c is no upgrade: all three fields go, the answer is plain."""
        for connection in (b"Upgrade, HTTP2-Settings", b"HTTP2-Settings", b"upgrade"):
            sent = read_request(self.sent(get(b"Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\nConnection: %b\r\n" % connection)))
            names = {name for name, _ in sent.fields}
            self.assertFalse(names & {b"upgrade", b"http2-settings", b"connection"}, sent.fields)
