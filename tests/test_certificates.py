"""PEM files are read once before they are used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.certificates import check_ca, check_pair
from meshproxy.config.intake import Intake

from .support.conf_dirs import ConfDir

PKCS8, PEM = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM


def make_pair(password: bytes | None = None) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    certificate = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return certificate.public_bytes(PEM), key.private_bytes(PEM, PKCS8, encryption)


class CertificateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.intake = Intake(self.conf.path, {})
        certificate, key = make_pair()
        self.conf.write("tls.crt", certificate)
        self.conf.write("tls.key", key)

    def problems(self) -> list[str]:
        return [f"{problem.key}: {problem.message}" for problem in self.intake.problems]

    def test_a_pair(self) -> None:
        """Paths are absolute, both files are known, nothing is wrong."""
        paths = check_pair(self.intake, "meshproxy.toml", "tls", "tls.crt", "tls.key")
        self.assertEqual(paths, (self.conf.path / "tls.crt", self.conf.path / "tls.key"))
        self.assertEqual((set(paths), self.problems(), self.intake.warnings), (self.intake.files, [], []))

    def test_a_key_of_another_certificate(self) -> None:
        """The usual mistake after a renewal."""
        self.conf.write("tls.key", make_pair()[1])
        check_pair(self.intake, "meshproxy.toml", "tls", "tls.crt", "tls.key")
        self.assertEqual(self.problems(), ["tls.key_file: tls.key is not the key of the first certificate in tls.crt"])

    def test_unusable_files(self) -> None:
        """Missing, empty, exchanged, with a password: each named, none raises."""
        locked = make_pair(b"secret")[1]
        for name, content, words in (
            ("tls.crt", b"", "tls.cert_file: tls.crt holds no certificate"),
            ("tls.crt", locked, "tls.cert_file: tls.crt holds no certificate"),
            ("tls.key", b"", "tls.key_file: tls.key holds no private key"),
            ("tls.key", locked, "tls.key_file: tls.key holds no private key"),
            ("tls.key", make_pair()[0], "tls.key_file: tls.key holds no private key"),
            ("tls.crt", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "tls.cert_file: tls.crt holds no certificate"),
        ):
            with self.subTest(words):
                self.setUp()
                self.conf.write(name, content)
                check_pair(self.intake, "meshproxy.toml", "tls", "tls.crt", "tls.key")
                (problem,) = self.problems()
                self.assertIn(words, problem)

    def test_both_files_missing(self) -> None:
        """Two problems, one a file."""
        check_pair(self.intake, "meshproxy.toml", "tls", "no.crt", "no.key")
        self.assertEqual([problem.partition(":")[0] for problem in self.problems()], ["tls.cert_file", "tls.key_file"])

    def test_an_open_key_is_a_warning(self) -> None:
        """A certificate is public, its key is not."""
        for name in ("tls.crt", "tls.key"):
            (self.conf.path / name).chmod(0o644)
        check_pair(self.intake, "meshproxy.toml", "tls", "tls.crt", "tls.key")
        self.assertEqual([warning.key for warning in self.intake.warnings], ["tls.key_file"])

    def test_ca(self) -> None:
        """Certificates to trust; a file without one is a problem."""
        self.assertEqual(check_ca(self.intake, "f", "tls.ca_file", "tls.crt"), self.conf.path / "tls.crt")
        self.assertEqual(self.problems(), [])
        check_ca(self.intake, "f", "tls.ca_file", "tls.key")
        self.assertEqual(self.problems(), ["tls.ca_file: tls.key holds no certificate in PEM form"])
