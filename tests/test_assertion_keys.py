"""Which key signs, which are published: :mod:`meshproxy.core.assertion_keys`."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.assertion_keys import LONGEST_LIFETIME, PERIOD, AssertionKey, DailyKeys, derived_key, parse_keys

NOW = 1_800_000_000.0
ROOT, OLD = b"r" * 32, b"o" * 32


def pem(key: ECKey | OKPKey | RSAKey) -> str:
    return key.as_pem(private=True).decode()


def kids(keys: list[AssertionKey]) -> list[str]:
    return [key.kid for key in keys]


class DailyKeysTests(SynchronousTestCase):
    """Keys by the calendar."""

    def setUp(self) -> None:
        self.roots = (ROOT,)
        self.keys = DailyKeys(lambda: self.roots)

    def test_the_same_everywhere(self) -> None:
        """Who has the same secret has the same key that day, and nobody else."""
        self.assertEqual(DailyKeys(lambda: (ROOT,)).signing(NOW).kid, self.keys.signing(NOW + 60).kid)
        self.assertNotEqual(DailyKeys(lambda: (OLD,)).signing(NOW).kid, self.keys.signing(NOW).kid)
        self.assertEqual(derived_key(ROOT, 20833).thumbprint(), derived_key(ROOT, 20833).thumbprint())
        self.assertNotEqual(derived_key(ROOT, 20833).thumbprint(), derived_key(ROOT, 20834).thumbprint())

    def test_published_before_and_after(self) -> None:
        """A key is published a whole day before it signs, and for longer after that than any token lives."""
        self.assertLess(LONGEST_LIFETIME, PERIOD)
        midnight = (NOW // PERIOD + 1) * PERIOD
        next_key = self.keys.signing(midnight).kid
        self.assertNotEqual(self.keys.signing(midnight - 1).kid, next_key)
        for at in (midnight - PERIOD, midnight - 1, midnight, midnight + PERIOD - 1, midnight + PERIOD + LONGEST_LIFETIME):
            self.assertIn(next_key, kids(self.keys.published(at)))
        self.assertNotIn(next_key, kids(self.keys.published(midnight - PERIOD - 1)))

    def test_several_secrets(self) -> None:
        """The newest signs; what an older one has signed can still be checked, and one that waits in second place is published already."""
        before = self.keys.signing(NOW).kid
        self.roots = (b"n" * 32, ROOT)
        self.assertNotEqual(self.keys.signing(NOW).kid, before)
        self.assertIn(before, kids(self.keys.published(NOW)))
        self.roots = (ROOT, b"n" * 32)
        self.assertEqual(self.keys.signing(NOW).kid, before)
        self.assertEqual(len(set(kids(self.keys.published(NOW)))), 6)

    def test_many_days(self) -> None:
        """What is remembered is bounded."""
        for day in range(100):
            self.keys.signing(NOW + day * PERIOD)
        self.assertLessEqual(len(self.keys._made), 40)


class KeysTests(SynchronousTestCase):
    """One key, and those of a file."""

    def test_only_the_public_half(self) -> None:
        """A JWK has nothing private, and neither has a repr."""
        key = DailyKeys(lambda: (ROOT,)).signing(NOW)
        self.assertEqual(set(key.public()), {"kty", "crv", "x", "y", "kid", "use", "alg"})
        secret = key.key.as_dict(private=True)["d"]
        self.assertNotIn(secret, repr(key) + repr(DailyKeys(lambda: (ROOT,))))

    def test_any_library_verifies(self) -> None:
        """What each kind of key signs is verified by what is published of it."""
        for made in (derived_key(ROOT, 1), ECKey.generate_key("P-384"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)):
            key = parse_keys(pem(made)).signing(NOW)
            token = jwt.decode(key.signed({"sub": "alice"}), KeySet.import_key_set({"keys": [key.public()]}), algorithms=[key.algorithm])
            self.assertEqual((token.claims, token.header["kid"]), ({"sub": "alice"}, key.kid))

    def test_a_file(self) -> None:
        """The first private key signs, all are published, in their order; a certificate beside them is passed over."""
        one, two = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
        keys = parse_keys(f"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n{pem(one)}\n{pem(two)}")
        self.assertEqual(keys.signing(NOW).kid, one.thumbprint())
        self.assertEqual(kids(keys.published(NOW)), [one.thumbprint(), two.thumbprint()])

    def test_not_a_key(self) -> None:
        """What cannot sign is refused, without a word of it in the message."""
        public = ECKey.generate_key("P-256").as_pem(private=False).decode()
        small = RSAKey.import_key(rsa.generate_private_key(65537, 1024))
        odd = pem(ECKey.generate_key("secp256k1"))
        broken = "-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----\n"
        for text in ("", "secretsecret", public, pem(small), odd, broken, pem(OKPKey.generate_key("X25519")), 11 * broken):
            error = self.assertRaises(ValueError, parse_keys, text)
            self.assertNotIn("secretsecret", str(error))
