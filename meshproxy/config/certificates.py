"""Can these PEM files be used for TLS? Read once here, so that a typing error stops ``check`` and not the first connection.

The rule: what is judged is the file, not the world: dates and trust change, a key that does not belong to its certificate stays wrong.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from .intake import Intake


def check_ca(intake: Intake, file: str, key: str, name: str) -> Path:
    """The path of a file of CA certificates; complains where it holds none."""
    _certificates(intake, file, key, name)
    return intake.path(name)


def check_pair(intake: Intake, file: str, table: str, cert_file: str, key_file: str) -> tuple[Path, Path]:
    """The paths of a chain and its private key; complains where one is unusable or they do not belong together."""
    chain = _certificates(intake, file, f"{table}.cert_file", cert_file)
    content = intake.read(file, f"{table}.key_file", key_file)
    if content is not None:
        intake.warn_if_open(file, f"{table}.key_file", key_file)
        try:
            private = load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            intake.complain(file, f"{table}.key_file", f"{key_file} holds no private key in PEM form that can be used without a password")
        else:
            public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            if chain and public != chain[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
                intake.complain(file, f"{table}.key_file", f"{key_file} is not the key of the first certificate in {cert_file}")
    return intake.path(cert_file), intake.path(key_file)


def _certificates(intake: Intake, file: str, key: str, name: str) -> list[Certificate]:
    content = intake.read(file, key, name)
    if content is None:
        return []
    try:
        return load_pem_x509_certificates(content)
    except ValueError:
        intake.complain(file, key, f"{name} holds no certificate in PEM form")
        return []
