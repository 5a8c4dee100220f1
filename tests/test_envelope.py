"""meshproxy.core.envelope"""

from __future__ import annotations

import base64
import os
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.envelope import INFLATED_BYTES, KeyRing

NEW, OLD = b"n" * 32, b"o" * 32
NONCE = bytes(12)


class EnvelopeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ring = KeyRing((NEW, OLD))

    def test_what_was_sealed_opens(self) -> None:
        """A token opens with the ring, purpose and name it was sealed with, compressed or not."""
        for deflate in (False, True):
            token = self.ring.seal(b"session", b"meshproxy", b"payload " * 40, NONCE, deflate=deflate)
            self.assertEqual(self.ring.open(b"session", b"meshproxy", token), b"payload " * 40)

    def test_form(self) -> None:
        """A token is ``v1.<kid>.<base64url>``: nothing in it needs quoting in a cookie or a URL."""
        token = self.ring.seal(b"session", b"meshproxy", os.urandom(100), NONCE)
        self.assertRegex(token.decode(), r"\Av1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]+\Z")
        self.assertEqual(token.split(b".")[1], self.ring.kids[0])

    def test_compression_only_where_it_helps(self) -> None:
        """What would grow by compression is sealed as it is."""
        noise = os.urandom(500)
        self.assertEqual(len(self.ring.seal(b"p", b"n", noise, NONCE, deflate=True)), len(self.ring.seal(b"p", b"n", noise, NONCE)))
        self.assertLess(len(self.ring.seal(b"p", b"n", b"a" * 500, NONCE, deflate=True)), 100)

    def test_bound_to_purpose_and_name(self) -> None:
        """A token of one purpose or name opens under no other, however the two are cut."""
        token = self.ring.seal(b"session", b"name", b"x", NONCE)
        for purpose, name in ((b"login", b"name"), (b"session", b"other"), (b"sessionn", b"ame"), (b"session", b""), (b"", b"sessionname")):
            self.assertIsNone(self.ring.open(purpose, name, token), (purpose, name))

    def test_rotation(self) -> None:
        """The newest key seals; what an older one sealed opens as long as that key is in the ring."""
        before = KeyRing((OLD,)).seal(b"p", b"n", b"x", NONCE)
        self.assertEqual(self.ring.open(b"p", b"n", before), b"x")
        self.assertIsNone(KeyRing((NEW,)).open(b"p", b"n", before))
        self.assertEqual(self.ring.seal(b"p", b"n", b"x", NONCE).split(b".")[1], KeyRing((NEW,)).kids[0])

    def test_every_changed_byte(self) -> None:
        """A token in which any one character is another one does not open; nor one that lost or gained an end."""
        token = self.ring.seal(b"p", b"n", b"some payload", NONCE)
        for position in range(len(token)):
            for other in b"A", b"b", b"9", b"-", b"_", b".", b"=", b" ", b"\x00", b"\xff":
                changed = token[:position] + other + token[position + 1 :]
                if changed != token:
                    self.assertIsNone(self.ring.open(b"p", b"n", changed), changed)
        for changed in (token[:-1], token + b"A", token + b"=", b" " + token, token + b"\n", token[3:], b"", b"v1.", b"v1.x.y", b"v1"):
            self.assertIsNone(self.ring.open(b"p", b"n", changed), changed)

    def test_the_unused_bits_of_base64(self) -> None:
        """The last character of a token has bits that carry nothing: another spelling of the same bytes does not open."""
        token = next(
            token for token in (self.ring.seal(b"p", b"n", b"x" * size, NONCE) for size in range(3))
            if len(token.split(b".")[2]) % 4 == 3
        )  # fmt: skip
        text = token.split(b".")[2]
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1 :][:1]
        self.assertEqual(base64.urlsafe_b64decode(text + b"="), base64.urlsafe_b64decode(twin.split(b".")[2] + b"="))
        self.assertIsNone(self.ring.open(b"p", b"n", twin))

    def test_a_bomb_does_not_open(self) -> None:
        """Whoever has a key cannot make us inflate more than 64 KiB; nor does a stream that ends too early open."""
        cipher = self.ring._cipher(self.ring.kids[0], b"p")
        for packed, opens in (
            (zlib.compress(bytes(INFLATED_BYTES)), True),
            (zlib.compress(bytes(INFLATED_BYTES + 1)), False),
            (zlib.compress(b"hello")[:-3], False),
            (b"no zlib", False),
        ):
            sealed = cipher.encrypt(NONCE, b"\x01" + packed, b"1:p1:nv1")
            token = b"v1.%s.%s" % (self.ring.kids[0], base64.urlsafe_b64encode(NONCE + sealed).rstrip(b"="))
            self.assertEqual(self.ring.open(b"p", b"n", token) is not None, opens, packed[:10])

    def test_too_long(self) -> None:
        """More than 64 KiB is not sealed: it would not open."""
        self.assertRaises(ValueError, self.ring.seal, b"p", b"n", bytes(INFLATED_BYTES + 1), NONCE)
        self.assertIsNone(self.ring.open(b"p", b"n", b"v1.%s.%s" % (self.ring.kids[0], b"A" * 1_000_000)))

    def test_bad_keys(self) -> None:
        """No key, a short key and a short nonce are errors; the key's value stands in no message."""
        self.assertRaises(ValueError, KeyRing, ())
        error = self.assertRaises(ValueError, KeyRing, (b"secret",))
        self.assertNotIn("secret", str(error))
        self.assertRaises(ValueError, self.ring.seal, b"p", b"n", b"x", b"short")
        self.assertNotIn("nnnn", repr(self.ring))

    def test_derived_keys_differ(self) -> None:
        """Every purpose has a key of its own, and no key is the ring's."""
        keys = {*self.ring.derive_all(b"a"), *self.ring.derive_all(b"b"), NEW, OLD}
        self.assertEqual(len(keys), 6)
        self.assertEqual(self.ring.derive(b"a"), self.ring.derive_all(b"a")[0])

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=300))
    def test_anything_else_is_none(self, noise: bytes) -> None:
        """Whatever comes in a token's place, opening it raises nothing."""
        self.assertIsNone(self.ring.open(b"p", b"n", noise))
        self.assertIsNone(self.ring.open(b"p", b"n", b"v1." + self.ring.kids[0] + b"." + noise))
