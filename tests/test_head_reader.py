"""Request heads from bytes: what llhttp lets pass is refused here, and the cut between head and body is exact."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.inspection import Malformed, inspect
from meshproxy.settings import LimitSettings
from meshproxy.web.head_reader import HeadReader

LIMITS = LimitSettings(head_bytes=4096, target_bytes=512, fields=10)


def read(data: bytes, cuts: list[int] | None = None) -> tuple[HeadReader, bytes | None]:
    """Feed bytes, cut at the given places, until a head is complete."""
    reader, rest = HeadReader(LIMITS), None
    places = [0, *sorted(cuts or []), len(data)]
    for start, end in pairwise(places):
        if start == end:
            continue
        if rest is not None:
            rest += data[start:end]
        else:
            rest = reader.feed(data[start:end])
            if rest is not None:
                inspect(reader.method, reader.target, reader.version, reader.fields)
    return reader, rest


def one_byte_each(data: bytes) -> list[int]:
    return list(range(1, len(data)))


#: name: bytes, the status they are refused with
REFUSED = {
    "R1 no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "R2 two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "R3 space in Host": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "R3 list in Host": (b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
    "R3 user in Host": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "R3 empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "R3 open bracket": (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "R4 length and chunked": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "R4 chunked and length": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
    "R5 equal lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
    "R5 list of lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
    "R7 plus": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400),
    "R7 hex": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400),
    "R7 empty": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    "R8 huge": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n", (400, 413)),
    "R9 xchunked": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", (400, 501)),
    "R9 gzip, chunked": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", (400, 501)),
    "R9 chunked, identity": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", (400, 501)),
    "R10 identity": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", (400, 501)),
    "R11 twice": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", (400, 501)),
    "R12 chunked in 1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "R13 space before colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n", 400),
    "R14 folding": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n", 400),
    "R15 white space before the first field": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "R16 bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "R17 LF in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n", 400),
    "R17 CR in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    "R17 NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "R18 control in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", 400),
    "R18 DEL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400),
    "R19 empty name": (b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    "R19 no colon": (b"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400),
    "R19 bad token": (b"GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400),
    "R25 other authority": (b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R26 CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", (405, 501)),
    "R27 authority-form": (b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R27 no slash": (b"GET admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R29 GET *": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R30 fragment": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R31 0x80 in the target": (b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R31 0xff in the target": (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R32 TAB": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R32 two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R32 two spaces before the version": (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "R32 HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "R32 lower case": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "R32 HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", (400, 505)),
    "R32 HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "R33 too many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 10 + b"\r\n", 431),
    "R33 head too large": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 5000 + b"\r\n\r\n", 431),
    "R33 target too long": (b"GET /" + b"a" * 600 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "R33 target that never ends": (b"GET /" + b"a" * 6000, 414),
    "R35 Expect": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: foo\r\n\r\n", 417),
    "R37 two empty lines": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two Origins": (b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: x\r\nOrigin: y\r\n\r\n", 400),
    "an unknown method": (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "a TLS ClientHello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
}


class HeadReaderTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """Method, target, version and fields come out as they went in, values without the white space around them."""
        reader, rest = read(b"PUT /a%2Fb?c=d HTTP/1.1\r\nHost: a\r\nx-CASE: \t v \xff \t\r\nContent-Length: 2\r\n\r\nokGET")
        self.assertEqual((reader.method, reader.target, reader.version), (b"PUT", b"/a%2Fb?c=d", "1.1"))
        self.assertEqual(reader.fields, [(b"Host", b"a"), (b"x-CASE", b"v \xff"), (b"Content-Length", b"2")])
        self.assertEqual(rest, b"okGET")

    def test_refused(self) -> None:
        """Every malformed head of the table is refused with its status, in one piece and byte by byte."""
        for name, (data, expected) in REFUSED.items():
            statuses = expected if isinstance(expected, tuple) else (expected,)
            for cuts in ([], one_byte_each(data)):
                with self.assertRaises(Malformed, msg=name) as caught:
                    read(data, cuts)
                self.assertIn(caught.exception.status, statuses, name)

    def test_one_empty_line(self) -> None:
        """R37: one empty line before a request is tolerated, however it arrives."""
        data = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for cuts in ([], [1], [2], one_byte_each(data)):
            self.assertEqual(read(data, cuts)[1], b"")

    def test_one_after_the_other(self) -> None:
        """A reader reads heads one after the other, upgrades and closes between them included."""
        reader = HeadReader(LIMITS)
        rest: bytes | None = (
            b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
            b"GET /2 HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
            b"\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        targets = []
        while rest:
            rest = reader.feed(rest)
            targets.append(reader.target)
        self.assertEqual(targets, [b"/1", b"/2", b"/3"])

    def test_started(self) -> None:
        """``started`` tells a half head from none."""
        reader = HeadReader(LIMITS)
        self.assertFalse(reader.started)
        reader.feed(b"GET / HT")
        self.assertTrue(reader.started)
        reader.feed(b"TP/1.1\r\nHost: a\r\n\r\n")
        self.assertFalse(reader.started)

    @given(st.randoms(), st.lists(st.tuples(st.from_regex(rb"[A-Za-z-]{1,8}", fullmatch=True), st.binary(max_size=12)), max_size=6))
    def test_segmentation(self, chance: random.Random, fields: list[tuple[bytes, bytes]]) -> None:
        """However the bytes are cut, the outcome is the same: the same head, or the same refusal."""
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        data = b"GET /x HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\nrest"

        def outcome(cuts: list[int]) -> object:
            try:
                reader, rest = read(data, cuts)
            except Malformed as error:
                return error.status
            return reader.fields, reader.target, rest

        whole = outcome([])
        cut = outcome([chance.randrange(len(data) + 1) for _ in range(6)])
        if isinstance(whole, tuple) and isinstance(cut, tuple) and whole[2] is None:
            self.assertIsNone(cut[2])
        else:
            self.assertEqual(whole, cut)
