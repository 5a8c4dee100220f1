"""Facts of a request's head: the rows of wire-rules §1 that are decided there."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.inspection import Facts, Malformed, check_fields, inspect

HOST = (b"Host", b"apps.example.com")
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = [
    HOST,
    (b"Upgrade", b"websocket"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Sec-WebSocket-Key", KEY),
    (b"Sec-WebSocket-Version", b"13"),
]


def facts(*fields: tuple[bytes, bytes], method: bytes = b"GET", target: bytes = b"/", version: str = "1.1", host: bool = True) -> Facts:
    return inspect(method, target, version, [*([HOST] if host else []), *fields])


class RefusalTests(SynchronousTestCase):
    def refused(self, row: str, status: int, *fields: tuple[bytes, bytes], **how: Any) -> Malformed:
        with self.assertRaises(Malformed, msg=f"{row} {fields} {how}") as caught:
            facts(*fields, **how)
        self.assertEqual(caught.exception.status, status, f"{row} {fields} {how}")
        self.assertTrue(caught.exception.reason)
        return caught.exception

    def test_host(self) -> None:
        """R1–R3: exactly one Host, and a valid one."""
        self.refused("R1", 400, host=False)
        self.refused("R1", 400, host=False, version="1.0")
        self.refused("R2", 400, HOST)
        self.refused("R2", 400, (b"hOST", b"other"))
        for value in (b"a b", b"a,b", b"a/b", b"user@a", b"", b"[::1", b"a:x"):
            self.refused("R3", 400, (b"Host", value), host=False)

    def test_length_and_coding(self) -> None:
        """R4–R12: one length of digits, or ``chunked`` alone, never both, never with HTTP/1.0."""
        length, chunked = (b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")
        self.refused("R4", 400, length, chunked)
        self.refused("R4", 400, chunked, length)
        self.refused("R5", 400, length, length)
        self.refused("R5", 400, (b"Content-Length", b"5, 5"))
        self.refused("R6", 400, length, (b"content-length", b"6"))
        for value in (b"+5", b"0_5", b"", b"0x5", b"5 5", b"-1", b"5.0", b"\xb2"):
            self.refused("R7", 400, (b"Content-Length", value))
        self.refused("R8", 413, (b"Content-Length", b"9" * 5000))
        self.refused("R8", 413, (b"Content-Length", b"%d" % (2**63)))
        for value in (b"xchunked", b"gzip, chunked", b"chunked, identity"):
            self.refused("R9", 501, (b"Transfer-Encoding", value))
        for value in (b",chunked", b"\x0bchunked", b"", b"chunked;q=1"):
            self.refused("R9", 400, (b"Transfer-Encoding", value))
        self.refused("R10", 501, (b"Transfer-Encoding", b"identity"))
        self.refused("R10", 400, (b"Transfer-Encoding", b"identity"), length)
        self.refused("R11", 400, chunked, chunked)
        self.refused("R12", 400, chunked, version="1.0")

    def test_targets(self) -> None:
        """R25–R31: origin-form, absolute-form of the same authority, ``OPTIONS *``; nothing else."""
        self.refused("R25", 400, target=b"http://other/x")
        self.refused("R25", 400, target=b"http://apps.example.com:81/x")
        self.refused("R25", 400, target=b"http://user@apps.example.com/x")
        self.assertEqual(self.refused("R26", 405, method=b"CONNECT", target=b"a:443").fields[0][0], b"Allow")
        self.assertEqual(self.refused("P4", 405, method=b"TRACE").fields[0][0], b"Allow")
        for target in (b"apps.example.com:443", b"admin", b"!", b"", b"ftp://apps.example.com/", b"?x"):
            self.refused("R27", 400, target=target)
        self.refused("R29", 400, target=b"*")
        self.refused("R29", 400, target=b"*", method=b"POST")
        self.refused("R30", 400, target=b"/a#frag")
        for target in (b"/\x80", b"/\xff", b"/a b", b"/\x01"):
            self.refused("R31", 400, target=target)

    def test_versions(self) -> None:
        """R32: neither older than 1.0 nor newer than 1.1, minor versions among them."""
        for version in ("0.9", "1.2", "2.0", "3.0", ""):
            self.refused("R32", 505, version=version)

    def test_expectations(self) -> None:
        """R35: an expectation other than ``100-continue``, or beside it, is 417."""
        self.refused("R35", 417, (b"Expect", b"foo"))
        self.refused("R35", 417, (b"Expect", b"100-continue"), (b"Expect", b"foo"))

    def test_repeated_singletons(self) -> None:
        """Two ``Origin`` (wire-rules §0.12) or two ``Authorization`` lines have two meanings: 400."""
        self.refused("0.12", 400, (b"Origin", b"https://a"), (b"origin", b"https://a"))
        self.refused("two identities", 400, (b"Authorization", b"Bearer a"), (b"authorization", b"Bearer a"))

    def test_methods_and_names(self) -> None:
        """R19: a method, a field name, or a ``Connection`` option that is no token is refused."""
        self.refused("R19", 400, method=b"GE T")
        self.refused("R19", 400, method=b"")
        self.refused("R19", 400, (b"X A", b"1"))
        self.refused("R19", 400, (b"", b"1"))
        self.refused("P1", 400, (b"Connection", b"close, (x)"))

    def test_max_forwards(self) -> None:
        """P4: ``Max-Forwards`` of OPTIONS is a number."""
        self.refused("P4", 400, (b"Max-Forwards", b"x"), method=b"OPTIONS")
        self.refused("P4", 400, (b"Max-Forwards", b"1"), (b"Max-Forwards", b"2"), method=b"OPTIONS")

    def test_reason_tells_nothing_of_the_request(self) -> None:
        """A reason ends up on pages and in logs: it has no byte of the request."""
        error = self.refused("R3", 400, (b"Host", b"<script>"), host=False)
        self.assertNotIn("script", error.reason)


class FactTests(SynchronousTestCase):
    def test_usual(self) -> None:
        """The usual request: host, path, query, no body, the connection stays."""
        found = facts((b"Connection", b"keep-alive"), (b"Accept", b"text/html"), target=b"/a/b?c=d?e")
        self.assertEqual((found.host, found.port, found.authority), ("apps.example.com", None, "apps.example.com"))
        self.assertEqual((found.path, found.query), (b"/a/b", b"?c=d?e"))
        self.assertEqual((found.has_body, found.content_length, found.chunked, found.close), (False, None, False, False))
        self.assertEqual((found.accept, found.cookie, found.authorization, found.origin), (b"text/html", b"", None, None))
        self.assertEqual(found.connection_tokens, frozenset())

    def test_empty_query(self) -> None:
        """A bare ``?`` stays: it goes upstream byte for byte."""
        self.assertEqual(facts(target=b"/a?").query, b"?")

    def test_host_with_port(self) -> None:
        """Host in lower case with its port."""
        found = facts((b"HOST", b"Apps.Example.COM:8443"), host=False)
        self.assertEqual((found.host, found.port, found.authority), ("apps.example.com", 8443, "apps.example.com:8443"))

    def test_absolute_form(self) -> None:
        """§0.6: an absolute target of the same authority is its path; the default port is the same authority."""
        self.assertEqual(facts(target=b"http://apps.example.com/x?y").path, b"/x")
        found = facts(target=b"HTTP://APPS.example.com:80?y")
        self.assertEqual((found.path, found.query), (b"/", b"?y"))
        alone = facts(target=b"http://other:81/x", version="1.0", host=False)
        self.assertEqual((alone.authority, alone.path), ("other:81", b"/x"))

    def test_options_star(self) -> None:
        """R28: ``OPTIONS *`` in both of its forms is for us."""
        self.assertTrue(facts(method=b"OPTIONS", target=b"*").options_star)
        self.assertTrue(facts(method=b"OPTIONS", target=b"http://apps.example.com").options_star)
        self.assertFalse(facts(method=b"OPTIONS", target=b"/").options_star)

    def test_bodies(self) -> None:
        """R24: a counted or chunked body is told, whatever the method."""
        counted = facts((b"Content-Length", b"0007 "))
        self.assertEqual((counted.content_length, counted.has_body), (7, True))
        chunked = facts((b"Transfer-Encoding", b"Chunked"), method=b"POST")
        self.assertEqual((chunked.content_length, chunked.chunked, chunked.has_body), (None, True, True))
        self.assertFalse(facts((b"Content-Length", b"0")).has_body)

    def test_expect(self) -> None:
        """R34: the expectation counts where a body follows; HTTP/1.0 has none (RFC 9110 §10.1.1)."""
        expect, length = (b"Expect", b"100-Continue"), (b"Content-Length", b"1")
        self.assertTrue(facts(expect, length).expect_continue)
        self.assertFalse(facts(expect).expect_continue)
        self.assertFalse(facts(expect, length, version="1.0").expect_continue)
        self.assertFalse(facts((b"Expect", b"foo"), version="1.0").expect_continue)

    def test_close(self) -> None:
        """P15: 1.1 stays unless told, 1.0 ends unless told; all ``Connection`` lines count, in any case."""
        for fields, version, close in (
            ([], "1.1", False),
            ([(b"Connection", b"x, CLOSE")], "1.1", True),
            ([(b"Connection", b"x"), (b"connection", b"close")], "1.1", True),
            ([], "1.0", True),
            ([(b"Connection", b"Keep-Alive")], "1.0", False),
            ([(b"Connection", b"keep-alive, close")], "1.0", True),
        ):
            self.assertEqual(facts(*fields, version=version).close, close, (fields, version))

    def test_nominated(self) -> None:
        """P1: what ``Connection`` names, folded, less what it can never take away."""
        found = facts((b"Connection", b"X_Foo, close, TE, Host, Cookie, Authorization, Content-Length, X-Forwarded-User, X-WEBAUTH-USER"))
        self.assertEqual(found.connection_tokens, {b"x-foo"})

    def test_cookies_are_joined(self) -> None:
        """All ``Cookie`` lines are one (RFC 9113 §8.2.3 lets clients split them)."""
        self.assertEqual(facts((b"Cookie", b"a=1"), (b"cookie", b"b=2")).cookie, b"a=1; b=2")

    def test_joined_site_is_no_site(self) -> None:
        """Repeated ``Sec-Fetch-Site`` is none of its values: nothing is smuggled past the cross-origin check."""
        self.assertEqual(facts((b"Sec-Fetch-Site", b"none"), (b"Sec-Fetch-Site", b"cross-site")).sec_fetch_site, b"none, cross-site")

    def test_aliases_say_nothing(self) -> None:
        """``Content_Length`` frames nothing and ``Transfer.Encoding`` neither (they are dropped on the way out)."""
        found = facts((b"Content_Length", b"5"), (b"Transfer.Encoding", b"chunked"))
        self.assertFalse(found.has_body)

    def test_preflight(self) -> None:
        """A preflight has ``Origin`` and ``Access-Control-Request-Method``."""
        origin, wanted = (b"Origin", b"https://a"), (b"Access-Control-Request-Method", b"PUT")
        self.assertTrue(facts(origin, wanted, method=b"OPTIONS").preflight)
        self.assertFalse(facts(origin, method=b"OPTIONS").preflight)
        self.assertFalse(facts(wanted, method=b"OPTIONS").preflight)
        self.assertFalse(facts(origin, wanted, method=b"PUT").preflight)

    def test_te(self) -> None:
        """P2: of ``TE`` only ``trailers`` counts."""
        self.assertTrue(facts((b"TE", b"gzip, Trailers")).te_trailers)
        self.assertFalse(facts((b"TE", b"gzip")).te_trailers)

    def test_max_forwards(self) -> None:
        """P4: it counts for OPTIONS alone; elsewhere it may be anything."""
        self.assertEqual(facts((b"Max-Forwards", b"3"), method=b"OPTIONS").max_forwards, 3)
        self.assertIsNone(facts((b"Max-Forwards", b"x")).max_forwards)


class UpgradeTests(SynchronousTestCase):
    def test_handshake(self) -> None:
        """W1: Firefox's handshake is one; the key is told."""
        found = inspect(b"GET", b"/ws", "1.1", UPGRADE)
        self.assertTrue(found.upgrade_websocket)
        self.assertEqual(found.websocket_key, KEY)

    def test_other_version(self) -> None:
        """W6: which version is asked for is the service's to judge."""
        found = inspect(b"GET", b"/", "1.1", [*UPGRADE[:-1], (b"Sec-WebSocket-Version", b"7")])
        self.assertTrue(found.upgrade_websocket)

    def test_no_handshake(self) -> None:
        """§0.9, R38: whatever is not exactly a WebSocket handshake is a plain request that asked for some upgrade."""

        def without(name: bytes, *instead: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
            return [*(field for field in UPGRADE if field[0] != name), *instead]

        for why, method, version, fields in (
            ("POST", b"POST", "1.1", UPGRADE),
            ("1.0", b"GET", "1.0", UPGRADE),
            ("h2c", b"GET", "1.1", [HOST, (b"Upgrade", b"h2c"), (b"Connection", b"Upgrade, HTTP2-Settings"), (b"HTTP2-Settings", b"AA")]),
            ("body", b"GET", "1.1", [*UPGRADE, (b"Content-Length", b"1")]),
            ("list", b"GET", "1.1", without(b"Upgrade", (b"Upgrade", b"websocket, h2c"))),
            ("twice", b"GET", "1.1", [*UPGRADE, (b"Upgrade", b"websocket")]),
            ("no key", b"GET", "1.1", without(b"Sec-WebSocket-Key")),
            ("short key", b"GET", "1.1", without(b"Sec-WebSocket-Key", (b"Sec-WebSocket-Key", b"dGhl"))),
            ("odd key", b"GET", "1.1", without(b"Sec-WebSocket-Key", (b"Sec-WebSocket-Key", b"!" * 24))),
            ("two keys", b"GET", "1.1", [*UPGRADE, (b"Sec-WebSocket-Key", KEY)]),
            ("no version", b"GET", "1.1", without(b"Sec-WebSocket-Version")),
            ("no Connection", b"GET", "1.1", without(b"Connection")),
            ("Connection without upgrade", b"GET", "1.1", without(b"Connection", (b"Connection", b"keep-alive"))),
        ):
            found = inspect(method, b"/", version, fields)
            self.assertFalse(found.upgrade_websocket, why)
            self.assertIsNone(found.websocket_key, why)
            self.assertTrue(found.upgrade, why)

    def test_empty_body(self) -> None:
        """A length of 0 is no body."""
        self.assertTrue(inspect(b"GET", b"/", "1.1", [*UPGRADE, (b"Content-Length", b"0")]).upgrade_websocket)


class LaxParserTests(SynchronousTestCase):
    def test_names_and_values(self) -> None:
        """R13, R17–R19: what llhttp refuses is refused after laxer parsers too."""
        for field in (
            (b"X-A ", b"1"),
            (b"", b"1"),
            (b"X-A", b"a\rb"),
            (b"X-A", b"a\nb"),
            (b"X-A", b"\x00"),
            (b"X-A", b"\x01"),
            (b"X-A", b"\x7f"),
        ):
            with self.assertRaises(Malformed) as caught:
                check_fields([HOST, field])
            self.assertEqual(caught.exception.status, 400)
        check_fields([HOST, (b"X-A", b"caf\xc3\xa9\t")])
