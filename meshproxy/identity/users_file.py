"""What stands in a users file? Tables of TOML, one a user, checked all at once.

The rule: whoever is not in the file costs as much to check as somebody who is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ..problems import ConfError, Problem

_MEMORY_KIB = 1024 * 1024
_ROUNDS = 64
_EMAIL = re.compile(r"[^@\s\x00-\x20\x7f]+@[^@\s\x00-\x20\x7f]+")


class User(BaseModel):
    """One user. ``password`` is an argon2id hash in its usual text form."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    password: str
    email: str | None = None
    name: str | None = None
    groups: list[str] = []

    @field_validator("password")
    @classmethod
    def _argon2(cls, password: str) -> str:
        try:
            parameters = extract_parameters(password)
            salt, digest = (_decoded(text) for text in password.split("$")[-2:])
        except (InvalidHashError, ValueError, binascii.Error):
            raise ValueError("not an argon2id hash; `meshproxy hash-password` makes one") from None
        if parameters.type is not Type.ID or len(salt) < 8 or len(digest) < 12:
            raise ValueError("not an argon2id hash; `meshproxy hash-password` makes one")
        if parameters.memory_cost > _MEMORY_KIB or parameters.time_cost > _ROUNDS:
            raise ValueError("the hash asks for more than 1 GiB of memory or 64 rounds: each login would stop the machine")
        return password

    @field_validator("email")
    @classmethod
    def _address(cls, email: str | None) -> str | None:
        if email is not None and not _EMAIL.fullmatch(email):
            raise ValueError("not an e-mail address")
        return email

    @field_validator("groups")
    @classmethod
    def _group_names(cls, groups: list[str]) -> list[str]:
        if any(not group or group != group.strip() for group in groups):
            raise ValueError("a group's name is not empty and neither begins nor ends with white space")
        return groups


class UsersFile:
    """The users of one file, by name. Raises :class:`ConfError` with all that is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.users: Mapping[str, User] = _read(path)
        self._hashes = [user.password for user in self.users.values()]
        self._key = secrets.token_bytes(32)

    def dummy_hash(self, username: str) -> str:
        """A hash of no password, for a name that is not in the file. It costs what some user's costs, the same one each time."""
        digest = hmac.digest(self._key, username.encode(errors="replace"), hashlib.sha256)
        *head, salt, hashed = self._hashes[int.from_bytes(digest[:8], "big") % len(self._hashes)].split("$")
        made = (base64.b64encode(os.urandom(len(_decoded(text)))).decode().rstrip("=") for text in (salt, hashed))
        return "$".join((*head, *made))


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _read(path: Path) -> dict[str, User]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise ConfError([Problem(path, "", f"cannot be read: {reason}")]) from None
    users: dict[str, User] = {}
    problems: list[Problem] = []
    for name, table in tables.items():
        if not name or name != name.strip() or any(unicodedata.category(character)[0] == "C" for character in name):
            problems.append(Problem(path, repr(name), "a user's name is not empty, and has no control characters and no outer white space"))
        elif not isinstance(table, dict):
            problems.append(Problem(path, name, "not a table", f"[{name}] begins a user"))
        else:
            try:
                users[name] = User.model_validate(table)
            except ValidationError as error:
                problems.extend(_problem(path, name, found) for found in error.errors(include_url=False, include_input=False))
    if not tables:
        problems.append(Problem(path, "", "no users in it: nobody could log in"))
    if problems:
        raise ConfError(problems)
    return users


def _problem(path: Path, user: str, found: Any) -> Problem:
    message, hint = str(found["msg"]).removeprefix("Value error, "), None
    if found["type"] == "extra_forbidden":
        message, hint = "unknown key", f"a user has {', '.join(User.model_fields)}"
    return Problem(path, ".".join((user, *map(str, found["loc"]))), message, hint)
