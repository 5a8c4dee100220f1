"""How does an operator get a session key or a password hash? Made here and printed, never stored."""

from __future__ import annotations

import base64
import os
import sys

import click
from argon2 import PasswordHasher

from .shell import Broken

_LONGEST = 1024  # bytes; the login form takes no more


@click.command("new-key")
def new_key() -> None:
    """Print a new session key, for the first line of [session] secret_file."""
    print(base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode("ascii"))


@click.command("hash-password")
def hash_password() -> None:
    """Ask for a password, or read it as one line of standard input, and print its argon2 hash for a users file."""
    password = _asked() if sys.stdin.isatty() else _read()
    if not password:
        raise Broken("the password is empty")
    if len(password.encode(errors="surrogatepass")) > _LONGEST:
        raise Broken(f"the password is longer than {_LONGEST} bytes")
    print(PasswordHasher().hash(password.encode(errors="surrogatepass")))


def _asked() -> str:
    """Twice, unseen; the questions go to standard error, so that the hash can be redirected."""
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))


def _read() -> str:
    """One line, without its end; a second one would be a mistake that nobody notices."""
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError:
        raise Broken("the password is not UTF-8") from None
    line, _, rest = text.partition("\n")
    if rest:
        raise Broken("standard input has more than one line: one password at a time")
    return line.removesuffix("\r")
