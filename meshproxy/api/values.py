"""How does a principal look in a field? Templates, lists and encodings, the same for every rewriter (contract §2.3).

The rule: what a service reads is what the provider said, or nothing. A value that is missing leaves its field out; one that cannot stand
in a field, or that a recipient would read as another one (control characters, outer white space that every parser trims away), refuses
the request. Nothing here looks at the clock or at anything but its arguments.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, field_validator
from twisted.logger import Logger

from ..core.claims import lookup
from ..core.fields import is_protected, is_token
from ..core.heads import Field as FieldLine
from ..core.principal import Principal
from .errors import Refused

Encoding = Literal["utf-8", "rfc2047", "percent", "quoted-printable"]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ATTRIBUTES = ("email", "subject", "username", "name", "groups")
_ENCODED_WORD_BYTES = 45
"""45 bytes of text make 60 of base64: an encoded word stays under the 75 characters of RFC 2047 §2."""


class Template:
    """Text with placeholders: ``{email}``, ``{subject}``, ``{username}``, ``{name}``, ``{groups}``, ``{claims.a.b}``; ``{{`` is a brace.

    ``{email}`` is an address that the provider vouches for, never another one. Raises :class:`ValueError` for an unknown placeholder.
    """

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts: list[tuple[str, str]] = []
        position = 0
        for found in _PLACEHOLDER.finditer(text):
            self._literal(text[position : found.start()])
            position = found.end()
            if found.group() in ("{{", "}}"):
                self._literal(found.group()[0])
            elif found.group(1) is None:
                raise ValueError(f"a brace without its partner in {text!r}; a literal brace is written twice")
            else:
                self._parts.append(("placeholder", _known_placeholder(found.group(1))))
        self._literal(text[position:])

    def _literal(self, text: str) -> None:
        if text:
            _refuse_controls(text, "the template", ValueError)
            self._parts.append(("literal", text))

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def render(self, principal: Principal, separator: str = ",", left_out: list[str] | None = None) -> str | None:
        """The text for this principal, or ``None`` when a value is missing or nothing but white space remains.

        :param left_out: gets the items of lists that a recipient would read as others: those that contain the separator, or begin or
        end with white space.
        :raises Refused: a value has control characters or outer white space.
        """
        texts = []
        for kind, text in self._parts:
            value = text if kind == "literal" else _placeholder_value(principal, text, separator, left_out)
            if value is None:
                return None
            texts.append(value)
        return "".join(texts).strip() or None


def _known_placeholder(name: str) -> str:
    if name in _ATTRIBUTES or (name.startswith("claims.") and all(name.split("."))):
        return name
    known = ", ".join(f"{{{attribute}}}" for attribute in _ATTRIBUTES)
    raise ValueError(f"unknown placeholder {{{name}}}: it is one of {known}, {{claims.NAME}}")


def values(principal: Principal, placeholder: str, left_out: list[str] | None = None) -> list[str]:
    """What a placeholder (``"groups"``, ``"claims.department"``) stands for: no value, one, or several.

    :param left_out: gets the items of a list that begin or end with white space.
    :raises Refused: a value has control characters; one that is no list's begins or ends with white space.
    """
    found, several = _look_up(principal, placeholder)
    texts = []
    for text in map(_text, found):
        _refuse_controls(text, f"{{{placeholder}}}", Refused)
        trimmed = text.strip()
        # Recipients trim a field's value (RFC 9110 §5.5): " admin" would arrive as "admin". A display name we may trim ourselves.
        if trimmed == text or placeholder == "name" or not trimmed:
            texts.append(trimmed)
        elif not several:
            raise Refused(f"{{{placeholder}}} begins or ends with white space")
        elif left_out is not None:
            left_out.append(text)
    return [text for text in texts if text]


def _look_up(principal: Principal, placeholder: str) -> tuple[Iterable[object], bool]:
    """What stands there, and whether it is a list."""
    found: object
    if placeholder.startswith("claims."):
        found = lookup(principal.claims, placeholder[len("claims.") :])
    elif placeholder == "email":
        found = principal.trusted_email
    else:
        found = getattr(principal, placeholder)
    return (found, True) if isinstance(found, list | tuple | set | frozenset) else ((found,), False)


def _placeholder_value(principal: Principal, placeholder: str, separator: str, left_out: list[str] | None) -> str | None:
    found = values(principal, placeholder, left_out)
    if _look_up(principal, placeholder)[1]:
        if left_out is not None:
            left_out.extend(text for text in found if separator in text)
        found = [text for text in found if separator not in text]
    return separator.join(found) or None


def _text(value: object) -> str:
    """A JSON value as text; objects and null have none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def _refuse_controls(text: str, what: str, error: type[Exception]) -> None:
    if not text.isprintable():
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cs"):
                raise error(f"{what} contains a control character (U+{ord(character):04X})")


def encode_value(text: str, encoding: Encoding = "utf-8") -> bytes:
    """The bytes of a field's value. ASCII text stays as it is in every encoding, unless a decoder would take it for encoded text."""
    if encoding == "utf-8":
        return text.encode()
    if encoding == "rfc2047":
        return text.encode() if text.isascii() and "=?" not in text else _encoded_words(text)
    escape, blank = (b"%", b" ") if encoding == "percent" else (b"=", b"")
    return b"".join(
        b"%c%02X" % (escape, byte) if not 0x20 <= byte < 0x7F or byte in escape + blank else b"%c" % byte for byte in text.encode()
    )


def _encoded_words(text: str) -> bytes:
    """RFC 2047 §2: encoded words of at most 75 characters, split between characters; white space between two of them is no text."""
    words: list[bytes] = []
    piece = b""
    for character in text:
        encoded = character.encode()
        if len(piece) + len(encoded) > _ENCODED_WORD_BYTES:
            words.append(piece)
            piece = b""
        piece += encoded
    return b" ".join(b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in (*words, piece))


def _template(value: object) -> Template:
    if isinstance(value, Template):
        return value
    if not isinstance(value, str):
        raise ValueError("a text with placeholders is wanted, such as \"{email}\"")
    return Template(value)


def _field_name(value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or not is_token(value.encode()):
        raise ValueError("not a field name (letters, digits and - are)")
    if is_protected(value.encode()):
        raise ValueError(f"{value} is meshproxy's own, no rewriter's")
    return value


TemplateText = Annotated[Template, PlainValidator(_template), WithJsonSchema({"type": "string"})]
"""A pydantic type: conf text that becomes a :class:`Template`."""

FieldName = Annotated[str, PlainValidator(_field_name), WithJsonSchema({"type": "string"})]
"""A pydantic type: the name of a field (RFC 9110 §5.1) that a rewriter may set or take away."""


class ValueSettings(BaseModel):
    """How values are written: the keys that every rewriter with text in its fields has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding = Field("utf-8", description="How text that is not ASCII is written.")
    separator: str = Field(",", min_length=1, description="Between the items of a list; an item that contains it is left out and logged.")

    @field_validator("separator")
    @classmethod
    def _no_controls(cls, separator: str) -> str:
        _refuse_controls(separator, "the separator", ValueError)
        return separator


class FieldWriter:
    """Makes field lines out of templates, by the ``encoding`` and ``separator`` of one rewriter's settings."""

    __slots__ = ("_encoding", "_log", "_separator")

    def __init__(self, settings: ValueSettings, log: Logger) -> None:
        self._encoding: Encoding = settings.encoding
        self._separator = settings.separator
        self._log = log

    def lines(self, wanted: Iterable[tuple[bytes, Template]], principal: Principal) -> list[FieldLine]:
        """One line for each template that has a value. Raises :class:`Refused`."""
        found = ((name, self.value(template, principal)) for name, template in wanted)
        return [(name, value) for name, value in found if value]

    def text(self, template: Template, principal: Principal) -> str | None:
        """The text before encoding."""
        left_out: list[str] = []
        text = template.render(principal, self._separator, left_out)
        self._tell(template.text, principal, left_out)
        return text

    def items(self, placeholder: str, principal: Principal) -> list[str]:
        """The values of one placeholder (``"groups"``), for a rewriter that sends a line for each: no separator is needed."""
        left_out: list[str] = []
        found = values(principal, placeholder, left_out)
        self._tell(placeholder, principal, left_out)
        return found

    def value(self, template: Template, principal: Principal) -> bytes | None:
        """The value's bytes, or ``None`` when it is missing."""
        text = self.text(template, principal)
        return self.encode(text) if text else None

    def encode(self, text: str) -> bytes:
        """Text in the encoding of the settings."""
        return encode_value(text, self._encoding)

    def _tell(self, what: str, principal: Principal, left_out: list[str]) -> None:
        if left_out:
            self._log.warn(
                "{what} of {issuer} {subject}: left out, because the service would read them as others: {items}",
                what=what, issuer=principal.issuer, subject=principal.subject, items=left_out,
            )


def settings_of(model: type[BaseModel], value: Any) -> Any:
    """``value`` as an instance of ``model``: plugins made by hand (in tests) may be given a plain dict."""
    return value if isinstance(value, model) else model.model_validate(value)
