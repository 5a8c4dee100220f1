"""Generated heads, bodies and answers: whatever passes, an independent strict parser (h11) reads as exactly one message.

The rule under test is the proxy's first: nobody on either side can be made to see two messages where we saw one, or another's bytes.
"""

from __future__ import annotations

from random import Random
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.fields import HOP_BY_HOP, fold, is_managed

from .support.house import COOKIE, House
from .support.strict import Message, read_answer, read_request
from .support.wire import ServiceTransport
from .test_wire_requests import HOST

repeatable = settings(max_examples=400, derandomize=True, deadline=None, database=None)

# ---------------------------------------------------------------- requests

_NAMES = st.sampled_from([
    b"Accept", b"X-A", b"x_user", b"X-User", b"X.User", b"X-Forwarded-For", b"X_Forwarded_Host", b"Content_Length", b"Content-Length",
    b"Transfer-Encoding", b"transfer_encoding", b"Connection", b"Keep-Alive", b"TE", b"Trailer", b"Upgrade", b"Expect", b"Host", b"Cookie",
    b"X-Real-IP", b"Via", b"Origin", b"Range", b"X-A ", b" X-A", b"", b"X\0", b"X:Y", b"Proxy-Connection", b"Content-Length\t",
    b"X-Request-Id",
    b"Authorization", b"Max-Forwards", b"HTTP2-Settings", b"Forwarded", b"Referer",
])
_VALUES = st.one_of(
    st.sampled_from([
        b"", b"0", b"5", b"+5", b"05", b"5, 5", b"chunked", b"Chunked", b"identity", b"gzip, chunked", b"chunked, chunked", b"\x0bchunked",
        b"close",
        b"keep-alive", b"close, X-User", b"Host, Content-Length, Transfer-Encoding, Cookie, X-User", b"upgrade, http2-settings", b"h2c",
        b"websocket", b"trailers", b"100-continue", b"apps.test:8080", b"evil.test", b"a\r\nX-User: root", b"a\nX-User: root", b"a\rb",
        b"a\0b", b"a\r\n folded", b"meshproxy=bob", b"a=b; meshproxy=alice", b"root", b"\xff\xfe", b"  x  ", b"\tx\t",
        b"meshproxy.1=x; b=c", b"0x5", b"-1",
    ]),
    st.binary(max_size=12),
)
_FIELDS = st.lists(st.tuples(_NAMES, _VALUES), max_size=5).map(lambda fields: b"".join(b"%b: %b\r\n" % field for field in fields))
_LINES = st.tuples(
    st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"get", b"GE T", b"CONNECT", b"\nGET"]),
    st.sampled_from([b" ", b" ", b" ", b" ", b"  ", b"\t"]),
    st.one_of(
        st.sampled_from([b"/", b"/a?b", b"/a%2fb", b"//a", b"/..", b"/a#b", b"*", b"http://apps.test:8080/x", b"http://evil.test/x", b"x",
                         b"/\xe4",
                         b"/a HTTP/1.1\r\nX-User: root\r\nX:", b"/\x00", b"/;a"]),
        st.binary(max_size=6).map(lambda path: b"/" + path),
    ),
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b" HTTP/1.1 ", b"", b" http/1.1"]),
).map(b"".join)
_BODIES = st.one_of(
    st.just((b"", b"", b"")),
    st.binary(max_size=40).map(lambda body: (b"Content-Length: %d\r\n" % len(body), body, body)),
    st.lists(st.binary(min_size=1, max_size=20), max_size=4).map(
        lambda parts: (
            b"Transfer-Encoding: chunked\r\n",
            b"".join(b"%x;ext\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nX-User: root\r\n\r\n",
            b"".join(parts),
        )),
    st.sampled_from([
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", None),
        (b"Transfer-Encoding: chunked\r\n", b"5\nhello\n0\n\n", None),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\n", None),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd", None),
    ]),
)


@st.composite
def requests(draw: Any) -> tuple[bytes, bytes | None]:
    """The bytes of one request, perhaps none at all, and the body that they announce (``None``: one that goes wrong)."""
    line = draw(st.one_of(st.just(b"POST /x HTTP/1.1"), _LINES))
    host = draw(st.sampled_from([HOST, HOST, HOST, HOST, b"Host: evil.test\r\n", b"", HOST + HOST]))
    framing, coded, body = draw(_BODIES)
    fields = [host, COOKIE, framing, draw(_FIELDS)]
    return line + b"\r\n" + b"".join(draw(st.permutations(fields))) + b"\r\n" + coded, body

_NEXT = b"GET /next HTTP/1.1\r\n" + HOST + COOKIE + b"\r\n"


class Upstream:
    """Everything that reached the service, connection by connection."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.services: list[ServiceTransport] = []
        self.came: list[bytes] = []

    def look(self) -> None:
        """Accept who waits, and read."""
        wire = self.house.wire
        while wire.waiting:
            if wire.reactor.tcpClients[-wire.waiting][2]._onConnection.called:
                wire._accepted += 1  # given up before it came about
            else:
                self.services.append(wire.accept())
                self.came.append(b"")
        for number, service in enumerate(self.services):
            self.came[number] += service.takes()

    def messages(self) -> list[Message]:
        """What h11 reads of it: raises where it cannot."""
        return [read_request(data) for data in self.came if data]


def passed(*pieces: bytes) -> tuple[bytes, list[Message]]:
    """Send pieces from a browser's connection: what it got (while the service kept silent), and what the service read."""
    house = House()
    try:
        browser = house.browser()
        upstream = Upstream(house)
        for piece in pieces:
            if not browser.gone:
                browser.sends(piece)
            upstream.look()
        return browser.takes(), upstream.messages()
    finally:
        house.close()


class RequestProperties(SynchronousTestCase):
    @repeatable
    @given(requests())
    def test_one_request(self, generated: tuple[bytes, bytes | None]) -> None:
        """Whatever reaches a service is one request with the body that was sent, under the one name it may have, by the one person."""
        data, body = generated
        answer, messages = passed(data, _NEXT)
        self.assertLessEqual(len(messages), 1)
        for message in messages:
            self.assertEqual(message.rest, b"")
            self.check_fields(message)
            if message.start[1] == b"/next":  # the first request was answered here: then h11 too has to see that it ended there
                first = read_request(data)
                self.assertEqual((first.whole, first.rest), (True, b""))
                continue
            if message.whole and body is not None and message.body != body:
                # what was generated may frame itself otherwise than it announces: then h11 has to agree with us, not with it
                self.assertEqual(read_request(data + _NEXT).body, message.body)
        if answer.startswith(b"HTTP/1.1 4") and b" 401 " not in answer[:14]:
            self.assertFalse([message for message in messages if message.whole and message.body == body and body])

    def check_fields(self, message: Message) -> None:
        self.assertEqual(message.values(b"host"), [b"127.0.0.1"])
        self.assertEqual(message.values(b"x-forwarded-for"), [b"192.0.2.7"])
        self.assertEqual(len(message.values(b"x-request-id")), 1)
        names = [name for name, _ in message.fields]
        framing = {b"content-length", b"transfer-encoding"}
        self.assertLessEqual(len([name for name in names if name in framing]), 1)
        ours = {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port"}
        for name in names:
            folded = fold(name)
            if is_managed(folded) or folded == b"x-user":
                self.assertIn(name, ours | {b"x-user"})
                self.assertEqual(names.count(name), 1)
            self.assertFalse(folded in HOP_BY_HOP and folded not in (b"connection", b"te", b"transfer-encoding"), name)
        self.assertIn(message.values(b"x-user"), ([b"alice"], []))
        for cookie in message.values(b"cookie"):
            self.assertFalse([pair for pair in cookie.split(b";") if pair.strip().startswith(b"meshproxy=")])

    @repeatable
    @given(requests(), st.randoms(use_true_random=False))
    def test_segments(self, generated: tuple[bytes, bytes | None], random: Random) -> None:
        """How TCP cuts the bytes changes nothing: one by one, or anywhere."""
        data = generated[0]
        cuts = sorted(random.sample(range(1, len(data)), min(5, len(data) - 1)))
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        whole = self.seen(data)
        self.assertEqual(self.seen(*pieces), whole)
        self.assertEqual(self.seen(*(data[n : n + 1] for n in range(len(data)))), whole)

    def seen(self, *pieces: bytes) -> tuple[bytes, list[Message]]:
        """What both sides saw, less what may depend on time: whether 100 was still needed, and how far a refused request had got."""
        answer, messages = passed(*pieces)
        return answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), [message for message in messages if message.whole]


# ---------------------------------------------------------------- answers

_STATUS = st.sampled_from([
    b"200 OK", b"200 OK", b"204 No Content", b"304 Not Modified", b"404 Not Found", b"503 Gone", b"100 Continue", b"103 Early",
    b"101 Switching",
    b"99 X", b"600 X", b"999", b"1000 X", b"200", b"200 \xff",
])
_ANSWER_FIELDS = st.lists(st.tuples(
    st.sampled_from([b"X-A", b"Connection", b"Keep-Alive", b"Set-Cookie", b"Location", b"Content-Type", b"Trailer", b"Date", b"Server",
                     b"Refresh", b"Content-Length", b"Transfer-Encoding", b"X-Request-Id", b"Upgrade", b"X-A ", b"", b"Cache-Control",
                     b"content_length",
                     b"Clear-Site-Data", b"Access-Control-Allow-Origin"]),
    st.one_of(st.sampled_from([
        b"", b"0", b"3", b"5", b"5, 5", b"+5", b"chunked", b"gzip", b"close", b"keep-alive, X-A", b"meshproxy=forged; Path=/",
        b"a=b; Domain=127.0.0.1",
        b"http://127.0.0.1/x", b"http://[::1", b"//evil", b"/x\r\nX: y", b"a\nb", b"a\rb", b"a\0b", b"0; url=http://127.0.0.1/",
        b"timeout=5", b"*",
        b'"cookies"', b"http://127.0.0.1:99999/", b"a\r\n folded", b"\xff", b"h2c", b"Content-Length",
    ]), st.binary(max_size=10)),
), max_size=4).map(lambda fields: b"".join(b"%b: %b\r\n" % field for field in fields))
_ANSWER_BODIES = st.one_of(
    st.binary(max_size=40).map(lambda body: (b"Content-Length: %d\r\n" % len(body), body)),
    st.tuples(st.just(b"Content-Length: 10\r\n"), st.binary(max_size=20)),
    st.lists(st.binary(min_size=1, max_size=20), max_size=4).map(
        lambda parts: (b"Transfer-Encoding: chunked\r\n", b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n")),
    st.tuples(st.just(b"Transfer-Encoding: chunked\r\n"), st.sampled_from([b"5\r\nhel", b"x\r\n", b"0\r\nbad\r\n\r\n", b"3\nabc\n0\n\n"])),
    st.tuples(st.just(b""), st.binary(max_size=20)),
)


@st.composite
def answers(draw: Any) -> bytes:
    """What a service may send, an answer or not, with what it has no business to send behind it."""
    interim = draw(st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 2]))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"ICY"]))
    framing, body = draw(_ANSWER_BODIES)
    fields = b"".join(draw(st.permutations([framing, draw(_ANSWER_FIELDS)])))
    surplus = draw(st.sampled_from([b"", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", b"\r\n", b"x"]))
    return interim + version + b" " + draw(_STATUS) + b"\r\n" + fields + b"\r\n" + body + surplus


class AnswerProperties(SynchronousTestCase):
    @repeatable
    @given(answers(), st.sampled_from([b"GET", b"HEAD", b"POST"]), st.booleans(), st.booleans())
    def test_one_answer(self, sent: bytes, method: bytes, close: bool, bytewise: bool) -> None:
        """Whatever reaches a browser is one answer with the body that h11 reads in the service's own bytes; or ours; or it is cut."""
        house = House()
        try:
            browser = house.browser()
            browser.asks(method=method)
            service = house.wire.accept()
            for piece in ([sent[n : n + 1] for n in range(len(sent))] if bytewise else [sent]):
                if not service.gone:
                    service.answers(piece)
                house.wire.reactor.advance(0)
            if close and not service.gone:
                service.fin()
            got = browser.takes()
            if not got:
                return  # the service has not finished its head: nothing to tell yet
            message = read_answer(got, method, closed=browser.disconnecting)
            if not message.start:
                return  # interim answers alone
            self.assertEqual(message.rest, b"")
            self.check_head(message)
            if message.whole and not message.values(b"x-meshproxy-source"):
                theirs = read_answer(sent, method, closed=close)
                self.assertEqual((message.status, message.body), (theirs.status, theirs.body))
            if message.whole and not browser.disconnecting and not browser.half_closed:
                self.check_next(house, browser)
        finally:
            house.close()

    def check_head(self, message: Message) -> None:
        self.assertEqual([len(value) for value in message.values(b"x-request-id")], [20])
        self.assertLessEqual(len(message.values(b"content-length")) + len(message.values(b"transfer-encoding")), 1)
        self.assertFalse([value for value in message.values(b"set-cookie") if value.startswith(b"meshproxy")])
        self.assertEqual((len(message.values(b"date")), len(message.values(b"server"))), (1, 1))

    def check_next(self, house: House, browser: Any) -> None:
        """The next request on this connection gets its own answer, whichever upstream connection carries it."""
        upstreams: list[ServiceTransport] = []
        browser.asks(b"/next")
        if house.wire.waiting:
            upstreams.append(house.wire.accept())
        for service in upstreams or self.busy(house):
            service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
        self.assertEqual(read_answer(browser.takes()).body, b"mine")

    def busy(self, house: House) -> list[Any]:
        """The connection that carries the request now."""
        return [connection.transport for connection in house.wire.pool._connections if connection.exchange is not None]


class StrictParserTests(SynchronousTestCase):
    def test_it_is_strict(self) -> None:
        """The judge of these tests refuses what must be refused, and tells whole messages from cut ones."""
        self.assertRaises(h11.RemoteProtocolError, read_request, b"GET / HTTP/1.1\r\n\r\n")
        self.assertRaises(h11.RemoteProtocolError, read_request, b"GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n")
        self.assertFalse(read_request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab").whole)
        two = read_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n")
        self.assertEqual((two.start, two.rest), ((b"GET", b"/"), b"GET /2 HTTP/1.1\r\n"))
