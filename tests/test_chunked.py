"""The chunked coding of requests: where a body ends is never guessed."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.chunked import ChunkedDecoder, ChunkError

GOOD = [
    (b"0\r\n\r\n", b"", b""),
    (b"3\r\nabc\r\n0\r\n\r\n", b"abc", b""),
    (b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n", b"abc", b"GET / HTTP/1.1\r\n"),
    (b"3;a=b\r\nabc\r\n2 ;x=\"y\"\r\nde\r\n0;last\r\n\r\n", b"abcde", b""),
    (b"A\r\n0123456789\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\nrest", b"0123456789", b"rest"),
    (b"0000000000000003\r\nabc\r\n0\r\n\r\n", b"abc", b""),
]

BAD = {
    "R21 hexadecimal prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "R21 17 digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    "R21 missing size": b"\r\nabc\r\n0\r\n\r\n",
    "R21 extension only": b";a=b\r\nabc\r\n",
    "R21 overlong data": b"3\r\nabcd\r\n0\r\n\r\n",
    "R21 short data": b"5\r\nabc\r\n0\r\n\r\n",
    "R21 LF only": b"3\nabc\n0\n\n",
    "R21 bare LF in extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "R21 bare CR in extension": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "leading space": b" 3\r\nabc\r\n0\r\n\r\n",
    "underscore": b"0_3\r\nabc\r\n0\r\n\r\n",
    "LF after data": b"3\r\nabc\n0\r\n\r\n",
    "R22 trailer without colon": b"0\r\nnonsense\r\n\r\n",
    "R22 trailer with a bad name": b"0\r\nX Y: 1\r\n\r\n",
    "R22 trailer with white space before the colon": b"0\r\nX : 1\r\n\r\n",
    "R22 trailer with NUL": b"0\r\nX: a\x00b\r\n\r\n",
    "R22 folded trailer": b"0\r\nX: a\r\n b\r\n\r\n",
    "endless size line": b"3;" + b"a" * 5000,
    "endless trailers": b"0\r\n" + b"X: " + b"a" * 4000 + b"\r\nX: " + b"a" * 4000 + b"\r\nX: " + b"a" * 4000 + b"\r\n\r\n",
}


def decode(data: bytes, cuts: list[int] | None = None) -> tuple[bytes, bytes | None]:
    """Body and rest of a chunked body that arrives cut at the given places."""
    decoder, body, rest = ChunkedDecoder(), [], None
    places = [0, *sorted(cuts or []), len(data)]
    for start, end in pairwise(places):
        if rest is not None:
            rest += data[start:end]
        else:
            rest = decoder.feed(data[start:end], body.append)
    return b"".join(body), rest


class ChunkedTests(SynchronousTestCase):
    def test_good(self) -> None:
        """A well-formed body is decoded, and what follows it is given back, whole."""
        for data, body, rest in GOOD:
            self.assertEqual(decode(data), (body, rest))

    def test_one_byte_at_a_time(self) -> None:
        """The result does not depend on how the bytes arrive."""
        for data, body, rest in GOOD:
            self.assertEqual(decode(data, list(range(1, len(data)))), (body, rest))

    def test_bad(self) -> None:
        """Every departure from the grammar is an error, in one piece and byte by byte."""
        for name, data in BAD.items():
            for cuts in ([], list(range(1, len(data))) if len(data) < 200 else [100, 2000]):
                with self.assertRaises(ChunkError, msg=name):
                    decode(data, cuts)

    def test_incomplete(self) -> None:
        """Nothing is given back before the last empty line has come."""
        for data, _, rest in GOOD:
            whole = data[: len(data) - len(rest)]
            for end in range(len(whole)):
                self.assertIsNone(decode(whole[:end])[1])

    @given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.binary(max_size=20), st.randoms())
    def test_any_body_any_cut(self, pieces: list[bytes], rest: bytes, chance: random.Random) -> None:
        """Whatever the body and however it is cut, body and rest come out as they went in."""
        data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n" + rest
        cuts = [chance.randrange(len(data) + 1) for _ in range(5)]
        self.assertEqual(decode(data, cuts), (b"".join(pieces), rest))
