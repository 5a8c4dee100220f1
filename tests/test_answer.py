"""Reading answers: what is refused, where an answer ends, and when its connection may be used again."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.upstream.answer import AnswerReader, BadAnswer

from .support.wire import KEY, SWITCHING

OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

BAD = {
    "TE and CL": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "CL and TE": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CL twice, differing": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "CL twice, equal": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "CL list": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "CL with sign": OK + b"Content-Length: +5\r\n\r\nhello",
    "CL negative": OK + b"Content-Length: -5\r\n\r\nhello",
    "CL hexadecimal": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "CL empty": OK + b"Content-Length: \r\n\r\nhello",
    "CL of 5000 digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "CL beyond 2^63": OK + b"Content-Length: 9223372036854775808\r\n\r\n",
    "TE gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE chunked, gzip": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "TE gzip": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "TE identity": OK + b"Transfer-Encoding: identity\r\n\r\nabc",
    "TE xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\nabc",
    "TE twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size missing": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk size overflows": CHUNKED + b"1" * 17 + b"\r\nhello",
    "chunk longer than its size": CHUNKED + b"4\r\nhello\r\n0\r\n\r\n",
    "bare LF after a chunk size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "bare LF after a chunk": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "bare LF in a chunk extension": CHUNKED + b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "status 99": b"HTTP/1.1 99 X\r\n\r\n",
    "status 099": b"HTTP/1.1 099 X\r\n\r\n",
    "status 1000": b"HTTP/1.1 1000 X\r\n\r\n",
    "status +200": b"HTTP/1.1 +200 X\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "HTTP/3.7": b"HTTP/3.7 200 OK\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "http/1.1": b"http/1.1 200 OK\r\n\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\n\r\n",
    "ICE": b"ICE/1.0 200 OK\r\n\r\n",
    "NUL in a value": OK + b"A: b\x00c\r\n\r\n",
    "CR in a value": OK + b"A: b\rc\r\n\r\n",
    "control in a value": OK + b"A: b\x01c\r\n\r\n",
    "DEL in a value": OK + b"A: b\x7fc\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\x00K\r\n\r\n",
    "control in the reason": b"HTTP/1.1 200 O\x1bK\r\n\r\n",
    "CR in the reason": b"HTTP/1.1 200 O\rK\r\n\r\n",
    "obs-fold": OK + b"A: b\r\n c\r\n\r\n",
    "obs-fold behind a bare LF": OK + b"A: b\n\tc\r\n\r\n",
    "space before the first field": OK + b" A: b\r\n\r\n",
    "space before the colon": OK + b"A : b\r\n\r\n",
    "no colon": OK + b"A b\r\n\r\n",
    "empty name": OK + b": b\r\n\r\n",
    "no token as a name": OK + b"A@: b\r\n\r\n",
    "201 fields": OK + b"A: b\r\n" * 201 + b"Content-Length: 0\r\n\r\n",
    "a field of 64 KiB": OK + b"A: " + b"b" * 65536 + b"\r\n\r\n",
    "a head of 64 KiB": OK + (b"A: " + b"b" * 999 + b"\r\n") * 66 + b"\r\n",
    "a head without end": OK + b"A: " + b"b" * 70000,
    "101 unasked": SWITCHING,
    "101 unasked, without Connection": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\nabc",
    "21 interim answers": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 21 + FIVE,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
}


def read(data: bytes, *, cuts: list[int] | None = None, **begin: object) -> AnswerReader:
    """Give ``data`` to a reader, cut where told, and gather the pieces in ``pieces``."""
    reader = AnswerReader(65536, 200)
    reader.begin(**begin)  # type: ignore[arg-type]
    gathered: list[bytes] = []
    start = 0
    for cut in [*(cuts or []), len(data)]:
        if cut > start:
            reader.feed(data[start:cut])
            gathered += reader.pieces
            reader.pieces.clear()
            start = cut
    reader.pieces.extend(gathered)
    return reader


class BadAnswers(SynchronousTestCase):
    """Each is refused, whole or byte by byte."""


def _refused(data: bytes):
    def test(self: SynchronousTestCase) -> None:
        """No reader of ours takes these bytes for an answer."""
        self.assertRaises(BadAnswer, read, data)
        if len(data) < 5000:
            self.assertRaises(BadAnswer, read, data, cuts=list(range(1, len(data))))

    return test


for _name, _data in BAD.items():
    setattr(BadAnswers, "test_" + "".join(c if c.isalnum() else "_" for c in _name), _refused(_data))


class Framing(SynchronousTestCase):
    def check(
        self, data: bytes, body: bytes, *, reusable: bool, length: int | None, complete: bool = True, **begin: object
    ) -> AnswerReader:
        reader = read(data, **begin)
        assert reader.head is not None
        self.assertEqual(b"".join(reader.pieces), body)
        self.assertEqual((reader.complete, reader.reusable, reader.surplus), (complete, reusable, False))
        self.assertEqual(reader.head[3], length)
        return reader

    def test_counted(self) -> None:
        """Content-Length: so many bytes, and the connection stays."""
        self.check(FIVE, b"hello", reusable=True, length=5)

    def test_counted_in_pieces(self) -> None:
        """A body that comes later is counted, in the very buffers in which it came."""
        reader = AnswerReader(65536, 200)
        reader.begin()
        reader.feed(OK + b"Content-Length: 9\r\n\r\nabc")
        reader.pieces.clear()
        piece = b"defg"
        reader.feed(piece)
        self.assertIs(reader.pieces[0], piece)
        reader.feed(b"hi")
        self.assertTrue(reader.complete and reader.reusable)
        reader.begin()
        reader.feed(FIVE)
        self.assertTrue(reader.complete and reader.reusable)

    def test_empty(self) -> None:
        """Content-Length: 0 is complete with its head."""
        self.check(OK + b"Content-Length: 0\r\n\r\n", b"", reusable=True, length=0)

    def test_chunked(self) -> None:
        """Chunked: extensions and trailers are dropped."""
        reader = self.check(CHUNKED + b"5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n", b"hello!", reusable=True, length=None)
        assert reader.head is not None
        self.assertEqual(reader.head[2], [(b"Transfer-Encoding", b"chunked")])

    def test_until_close(self) -> None:
        """Neither: the body goes on until the service closes, and only then is it whole."""
        reader = self.check(OK + b"\r\nabc", b"abc", reusable=False, length=None, complete=False)
        self.assertTrue(reader.end())

    def test_cut_is_not_an_end(self) -> None:
        """The end of the connection completes neither a counted nor a chunked body, nor a head."""
        for data in (FIVE[:-1], CHUNKED + b"5\r\nhello\r\n", OK):
            self.assertFalse(read(data).end())

    def test_without_body(self) -> None:
        """HEAD, 204 and 304 have no body, whatever their fields say; Content-Length is passed as metadata."""
        self.check(OK + b"Content-Length: 5\r\n\r\n", b"", reusable=True, length=5, head_request=True)
        self.check(CHUNKED, b"", reusable=True, length=None, head_request=True)
        self.check(OK + b"\r\n", b"", reusable=True, length=None, head_request=True)
        self.check(OK + b"Connection: close\r\n\r\n", b"", reusable=False, length=None, head_request=True)
        self.check(b"HTTP/1.0 200 OK\r\n\r\n", b"", reusable=False, length=None, head_request=True)
        self.check(b"HTTP/1.1 204 No Content\r\n\r\n", b"", reusable=True, length=None)
        self.check(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", reusable=True, length=5)
        self.check(b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", b"", reusable=True, length=None)

    def test_a_body_where_none_may_be(self) -> None:
        """Bytes behind such a head never reach the browser, and the connection is given up."""
        heads = (
            (b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", False),
            (b"HTTP/1.1 304 X\r\n\r\n", False),
            (OK + b"Content-Length: 3\r\n\r\n", True),
            (CHUNKED, True),
            (OK + b"\r\n", True),
        )
        for head, head_request in heads:
            for surplus in (b"abc", b"3", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"):
                reader = read(head + surplus, head_request=head_request)
                self.assertEqual((reader.complete, reader.reusable, reader.pieces), (True, False, []), (head, surplus))

    def test_surplus(self) -> None:
        """Bytes behind a complete answer are nobody's: surplus, connection not reusable, body exact."""
        for surplus in (b"x", b"\r\n", b"HTTP/1.1 200 OK\r\n", FIVE, b"\x00"):
            for answer in (FIVE, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"):
                reader = read(answer + surplus)
                self.assertEqual((reader.complete, reader.surplus, reader.reusable), (True, True, False), surplus)
                self.assertEqual(b"".join(reader.pieces), b"hello")
        reader = read(OK + b"Content-Length: 9\r\n\r\nabcdefghiJ", cuts=[len(OK) + 25])
        self.assertEqual((reader.surplus, reader.reusable, b"".join(reader.pieces)), (True, False, b"abcdefghi"))

    def test_connection_field(self) -> None:
        """``close`` counts in any case, in any list, on any line; HTTP/1.0 stays only when it says so."""
        for fields, reusable in (
            (b"Connection: close", False),
            (b"Connection: Close, x-a", False),
            (b"Connection: x-a,close", False),
            (b"Connection: closed", True),
            (b"Connection: x-a\r\nConnection: close", False),
            (b"Connection: keep-alive", True),
            (b"connection: CLOSE", False),
        ):
            self.assertEqual(read(OK + fields + b"\r\nContent-Length: 0\r\n\r\n").reusable, reusable, fields)
            self.assertEqual(read(OK + fields + b"\r\nContent-Length: 0\r\n\r\n", head_request=True).reusable, reusable, fields)
        self.assertFalse(read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").reusable)
        self.assertTrue(read(b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n").reusable)

    def test_keep_alive_hint(self) -> None:
        """``Keep-Alive: timeout=`` is read, nonsense in it is not."""
        for value, seconds in (
            (b"timeout=5", 5.0),
            (b"max=100, Timeout=7", 7.0),
            (b"max=3", None),
            (b"timeout=-1", None),
            (b"timeout=x", None),
        ):
            self.assertEqual(read(OK + b"Keep-Alive: " + value + b"\r\nContent-Length: 0\r\n\r\n").keep_for, seconds)

    def test_interim(self) -> None:
        """1xx come one by one, then the answer; their framing fields mean nothing."""
        reader = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\n\r\n" + FIVE)
        self.assertEqual([(status, fields[:1]) for status, _, fields in reader.interims], [(100, []), (103, [(b"Link", b"</a>")])])
        self.assertEqual((b"".join(reader.pieces), reader.complete, reader.reusable), (b"hello", True, True))
        self.assertEqual(len(read(b"HTTP/1.1 102 X\r\n\r\n" * 20 + FIVE).interims), 20)

    def test_upgrade(self) -> None:
        """A 101 that fits its handshake ends HTTP; what came behind it is the tunnel's."""
        for surplus in (b"", b"\x81\x05hello"):
            reader = read(SWITCHING + surplus, websocket_key=KEY)
            self.assertEqual(reader.upgraded, surplus)
        self.assertRaises(BadAnswer, read, SWITCHING, websocket_key=b"x3JJHMbDL1EzLkh9GBhXDw==")
        self.assertTrue(read(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", websocket_key=KEY).complete)

    def test_bare_lf_in_a_head(self) -> None:
        """Old services end lines with LF alone; in a head that is taken (RFC 9112 §2.2)."""
        self.check(b"HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\nhello", b"hello", reusable=True, length=5)
        self.check(b"HTTP/1.1 304 X\n\n", b"", reusable=True, length=None)

    def test_large_head_and_body_together(self) -> None:
        """Only the head counts against its limit: a body in the same bytes does not."""
        body = b"x" * 70000
        self.check(OK + b"Set-Cookie: " + b"c" * 17000 + b"\r\nContent-Length: 70000\r\n\r\n" + body, body, reusable=True, length=70000)
        self.check(OK + (b"A: b\r\n" * 199) + b"Content-Length: 0\r\n\r\n", b"", reusable=True, length=0)

    def test_endless_trailers_and_extensions(self) -> None:
        """What a chunked body hides beside its data is bounded too."""
        for endless in (b"0\r\nX: ", b"5;a="):
            reader = read(CHUNKED + endless)
            with self.assertRaises(BadAnswer):
                for _ in range(80):
                    reader.feed(b"y" * 1000)

    def test_reason_and_names_stay(self) -> None:
        """Reason, case of names, order, repeated fields and obs-text are passed as they came."""
        reader = read(b"HTTP/1.1 404 Nicht da \xe4\r\nX-a: 1\r\nx-A: 2\r\nSet-Cookie: a=\xff\r\nContent-Length: 0\r\n\r\n")
        assert reader.head is not None
        self.assertEqual(
            reader.head[:3],
            (404, b"Nicht da \xe4", [(b"X-a", b"1"), (b"x-A", b"2"), (b"Set-Cookie", b"a=\xff"), (b"Content-Length", b"0")]),
        )

    def test_first_bytes(self) -> None:
        """The first 40 bytes and the count are kept for the diagnosis."""
        reader = read(FIVE, cuts=[3, 9])
        self.assertEqual((reader.first, reader.received), (FIVE[:40], len(FIVE)))

    def test_answers_follow_each_other(self) -> None:
        """One reader reads one answer after another, of every kind that leaves the connection usable."""
        reader = AnswerReader(65536, 200)
        kinds = [
            (FIVE, b"hello", False),
            (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi", False),
            (OK + b"Content-Length: 3\r\n\r\n", b"", True),
            (b"HTTP/1.1 204 X\r\n\r\n", b"", False),
        ]
        order = random.Random(7)
        for _ in range(40):
            data, body, head_request = order.choice(kinds)
            reader.begin(head_request)
            reader.feed(data)
            self.assertEqual((b"".join(reader.pieces), reader.complete, reader.reusable, reader.surplus), (body, True, True, False))
            reader.pieces.clear()


class Segmentation(SynchronousTestCase):
    """How bytes are cut on their way changes nothing."""

    CASES = (
        (FIVE, {}),
        (CHUNKED + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n", {}),
        (b"HTTP/1.1 103 E\r\nLink: x\r\n\r\n" + FIVE, {}),
        (b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", {}),
        (OK + b"Content-Length: 40\r\n\r\n" + b"0123456789" * 4, {}),
        (OK + b"Connection: close\r\n\r\nuntil the end", {}),
        (OK + b"Content-Length: 9\r\n\r\n", {"head_request": True}),
        (SWITCHING + b"frames", {"websocket_key": KEY}),
    )

    @settings(max_examples=150, deadline=None)
    @given(st.integers(0, len(CASES) - 1), st.lists(st.integers(1, 120), max_size=12))
    def test_cuts(self, which: int, cuts: list[int]) -> None:
        """Any cuts give the same heads, body and end as one piece."""
        data, begin = self.CASES[which]
        whole = read(data, **begin)  # type: ignore[arg-type]
        cut = read(data, cuts=sorted(c for c in cuts if c < len(data)), **begin)  # type: ignore[arg-type]
        if whole.upgraded is not None:
            # The bytes behind a 101 come from the connection once the tunnel is open.
            self.assertEqual((cut.head is not None, cut.head), (True, whole.head))
            return
        self.assertEqual((cut.head, cut.interims, cut.complete, cut.surplus), (whole.head, whole.interims, whole.complete, whole.surplus))
        self.assertEqual(b"".join(cut.pieces), b"".join(whole.pieces))
        self.assertTrue(whole.reusable or not cut.reusable)
