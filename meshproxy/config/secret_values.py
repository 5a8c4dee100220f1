"""Which secret does an operator give us? By value, by file or by environment variable, exactly one of them.

The rule: no message here contains a secret, and what cannot be a good key is refused before it seals anything.
"""

from __future__ import annotations

import base64
import binascii

from .intake import Intake
from .wrong import Wrong, one_of

KEY_BYTES = 32


def find_secret(
    intake: Intake, file: str, table: str, name: str, value: str | None, value_file: str | None, value_env: str | None
) -> str | None:
    """The secret ``name`` of a table, from whichever of ``X``, ``X_file``, ``X_env`` is set; ``None`` where none is or it is wrong.

    :param table: the table's dotted key, for messages.
    """
    given = [key for key, what in ((name, value), (f"{name}_file", value_file), (f"{name}_env", value_env)) if what is not None]
    if len(given) > 1:
        intake.complain(file, f"{table}.{given[1]}", f"give exactly one of {one_of(given)}")
        return None
    if value_file is not None:
        return intake.read_secret(file, f"{table}.{name}_file", value_file)
    if value_env is not None:
        found = intake.environ.get(value_env, "").strip()
        if not found:
            state = "empty" if value_env in intake.environ else "not set"
            intake.complain(file, f"{table}.{name}_env", f"the environment variable {value_env} is {state}")
            return None
        return found
    return value


def parse_session_keys(text: str) -> tuple[bytes, ...]:
    """The keys of a session secret: one a line, newest first; empty lines and lines that begin with ``#`` do not count.

    :raises Wrong: with every line that is no key, by its number.
    """
    keys, wrong = [], []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        try:
            keys.append(parse_key(word))
        except Wrong as refusal:
            wrong.append(f"line {number}: {refusal}")
    if wrong:
        raise Wrong("; ".join(wrong), "`meshproxy new-key` prints a key")
    if not keys:
        raise Wrong("holds no key", "`meshproxy new-key` prints a key")
    return tuple(dict.fromkeys(keys))


def parse_key(word: str) -> bytes:
    """One key: base64url (RFC 4648 §5) of exactly 32 bytes; the other alphabet and missing padding are accepted.

    :raises Wrong: it is something else; the message does not repeat it.
    """
    bare = word.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("is not base64url") from None
    if len(key) != KEY_BYTES:
        raise Wrong(f"is {len(key)} bytes long, a key is {KEY_BYTES}")
    return key
