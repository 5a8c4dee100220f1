"""Templates, lists, encodings: how a principal looks in a field."""

from __future__ import annotations

import email.header
import quopri
from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from twisted.logger import Logger, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import FieldName, FieldWriter, Refused, Template, ValueSettings, encode_value, values
from meshproxy.api.testing import principal

PRINTABLE = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=200)


class TemplateTests(SynchronousTestCase):
    """What a template says of a principal."""

    def test_placeholders(self) -> None:
        """Each placeholder stands for its attribute; text around it stays; a doubled brace is a brace."""
        who = principal(claims={"department": "R&D", "realm": {"roles": ["a", "b"]}, "n": 7, "yes": True, "https://x.example/team": "blue"})
        for text, expected in {
            "{email}": "alice@example.com", "{subject}": "alice", "{username}": "alice", "{name}": "Alice", "{groups}": "devs,sre",
            "{claims.department}": "R&D", "{claims.realm.roles}": "a,b", "{claims.n}": "7", "{claims.yes}": "true",
            "{claims.https://x.example/team}": "blue", "u={username}; {{g}}={groups}": "u=alice; {g}=devs,sre", "fixed": "fixed",
        }.items():
            self.assertEqual(Template(text).render(who), expected, text)

    def test_missing(self) -> None:
        """A value that is missing, empty, blank or no text leaves the whole field out."""
        who = principal(email_verified=False, name="  ", username=None, groups=(), claims={"o": {}, "null": None, "empty": "", "list": []})
        for text in ("{email}", "{name}", "{username}", "{groups}", "{claims.o}", "{claims.null}", "{claims.empty}", "{claims.list}",
                     "{claims.none.at.all}", "x {email}", ""):
            self.assertIsNone(Template(text).render(who), text)

    def test_unverified_address(self) -> None:
        """An address that the provider does not call verified counts as missing, whatever it is."""
        self.assertIsNone(Template("{email}").render(principal(email="root@example.com", email_verified=False)))

    def test_bad_templates(self) -> None:
        """Unknown placeholders, lone braces and control characters are refused when the conf is read."""
        for text in ("{emial}", "{}", "{claims}", "{claims.}", "{claims..a}", "{", "a}b", "{email", "a\nb", "{groups} {x}"):
            self.assertRaises(ValueError, Template, text)

    def test_control_characters_refuse(self) -> None:
        """A value with any control character (C0, DEL, C1) or a lone surrogate refuses the request and is not repeated."""
        for character in "\0\t\n\r\x1f\x7f\x85\x9f\ud800":
            for who in (principal(username=f"a{character}b"), principal(groups=("ok", f"a{character}b")), principal(name=f"{character}a")):
                found = [self._refusal(text, who) for text in ("{username}", "{groups}", "{name}")]
                self.assertEqual(len([each for each in found if each]), 1, repr(character))
                self.assertIn("control character", "".join(found))

    def _refusal(self, text: str, who: object) -> str:
        try:
            Template(text).render(who)  # type: ignore[arg-type]
        except Refused as refusal:
            return str(refusal)
        return ""

    def test_outer_white_space(self) -> None:
        """A name that a recipient would trim into another one refuses; a display name is trimmed; a group is left out."""
        self.assertIn("white space", self._refusal("{subject}", principal(" root")))
        self.assertIn("white space", self._refusal("{claims.a}", principal(claims={"a": "root "})))
        self.assertIn("white space", self._refusal("{username}", principal(username="root\u00a0")))
        self.assertEqual(Template("{name}").render(principal(name=" Alice ")), "Alice")
        left_out: list[str] = []
        self.assertEqual(Template("{groups}").render(principal(groups=(" admin", "devs")), ",", left_out), "devs")
        self.assertEqual(left_out, [" admin"])

    def test_separator(self) -> None:
        """A group that contains the separator is left out, whatever the separator; the others are joined with it."""
        who = principal(groups=("a,b", "c", "d|e"))
        left_out: list[str] = []
        self.assertEqual(Template("{groups}").render(who, ",", left_out), "c,d|e")
        self.assertEqual(Template("{groups}").render(who, "|", left_out), "a,b|c")
        self.assertEqual(left_out, ["a,b", "d|e"])
        self.assertIsNone(Template("{groups}").render(principal(groups=("a,b",))))

    def test_values(self) -> None:
        """Lists come item by item, single values as one."""
        self.assertEqual(values(principal(), "groups"), ["devs", "sre"])
        self.assertEqual(values(principal(claims={"a": "x"}), "claims.a"), ["x"])
        self.assertEqual(values(principal(claims={"a": ["x", "", None, 1]}), "claims.a"), ["x", "1"])


class EncodingTests(SynchronousTestCase):
    """The bytes of a value."""

    def test_table(self) -> None:
        """Each encoding of a name with an umlaut, and of ASCII."""
        for encoding, jose, plain in (
            ("utf-8", b"Jos\xc3\xa9 Q", b"Al 50%=?"), ("rfc2047", b"=?utf-8?B?Sm9zw6kgUQ==?=", b"=?utf-8?B?QWwgNTAlPT8=?="),
            ("percent", b"Jos%C3%A9%20Q", b"Al%2050%25=?"), ("quoted-printable", b"Jos=C3=A9 Q", b"Al 50%=3D?"),
        ):
            self.assertEqual(encode_value("José Q", encoding), jose)  # type: ignore[arg-type]
            self.assertEqual(encode_value("Al 50%=?", encoding), plain)  # type: ignore[arg-type]
            self.assertEqual(encode_value("alice@example.com", encoding), b"alice@example.com")  # type: ignore[arg-type]

    @given(PRINTABLE)
    def test_decodes_to_itself(self, text: str) -> None:
        """What other people's decoders make of each encoding is the text; nothing but UTF-8 leaves ASCII; no control bytes."""
        for encoding in ("rfc2047", "percent", "quoted-printable"):
            found = encode_value(text, encoding)  # type: ignore[arg-type]
            self.assertTrue(found.isascii())
            self.assertFalse(any(byte < 0x20 or byte == 0x7F for byte in found))
        decoded = email.header.make_header(email.header.decode_header(encode_value(text, "rfc2047").decode()))
        self.assertEqual(str(decoded), text)
        self.assertEqual(unquote(encode_value(text, "percent").decode()), text)
        self.assertEqual(quopri.decodestring(encode_value(text, "quoted-printable") + b"x").decode(), text + "x")

    def test_encoded_words_are_short(self) -> None:
        """No encoded word is longer than 75 characters (RFC 2047 §2), and none splits a character."""
        for word in encode_value("ﷺ" * 100, "rfc2047").split(b" "):
            self.assertLessEqual(len(word), 75)
            self.assertEqual(set(email.header.decode_header(word.decode())[0][0].decode()), {"ﷺ"})


class FieldWriterTests(SynchronousTestCase):
    """Lines out of templates."""

    def test_lines_and_log(self) -> None:
        """Missing values make no line; what is left out is logged with who, and only then."""
        events: list[dict[str, object]] = []
        observer: Any = events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        writer = FieldWriter(ValueSettings(separator=";", encoding="percent"), Logger("test"))
        wanted = [(b"X-A", Template("{groups}")), (b"X-B", Template("{claims.none}"))]
        self.assertEqual(writer.lines(wanted, principal(groups=("ä", "b"))), [(b"X-A", b"%C3%A4;b")])
        self.assertEqual(events, [])
        self.assertEqual(writer.lines(wanted, principal(groups=("x;y", "b"))), [(b"X-A", b"b")])
        self.assertEqual([(event["subject"], event["items"]) for event in events], [("alice", ["x;y"])])

    def test_settings(self) -> None:
        """Encoding and separator are checked; a field name is a token."""
        self.assertRaises(ValidationError, ValueSettings, separator="")
        self.assertRaises(ValidationError, ValueSettings, separator="\n")
        self.assertRaises(ValidationError, ValueSettings, encoding="latin-1")

        class Model(BaseModel):
            name: FieldName

        self.assertEqual(Model(name="X-User").name, "X-User")
        for bad in ("", "X User", "X:", "Ü", "X\r\nY", 3):
            self.assertRaises(ValidationError, Model, name=bad)
