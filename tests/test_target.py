"""Targets and their readings."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core import target

_PATHS = st.lists(st.sampled_from([b"/", b"a", b"..", b".", b"%2e", b"%2F", b"%5c", b"\\", b";x", b"%3b", b"%25"]), max_size=12).map(
    lambda parts: b"/" + b"".join(parts)
)


class FormTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        """R30, R31: no ``#``, no control, blank or 8-bit byte; what browsers leave in queries passes."""
        self.assertTrue(target.valid_bytes(b"/a?b=|^\"'{}[]<>`\\"))
        for bad in (b"", b"/#", b"/\x80", b"/\xff", b"/ ", b"/\t", b"/\x00", b"/\x7f"):
            self.assertFalse(target.valid_bytes(bad), bad)

    def test_absolute(self) -> None:
        """An absolute form is taken apart at the first ``/``, ``?`` or ``#`` after the authority; other schemes are none."""
        self.assertEqual(target.split_absolute(b"HTTP://a:1/x?y"), (b"http", b"a:1", b"/x?y"))
        self.assertEqual(target.split_absolute(b"https://a?y/z"), (b"https", b"a", b"?y/z"))
        self.assertEqual(target.split_absolute(b"https://a#y"), (b"https", b"a", b"#y"))
        self.assertEqual(target.split_absolute(b"http://"), (b"http", b"", b""))
        for other in (b"ftp://a/", b"/http://a/", b"a:1", b"*", b"admin", b"http:/a"):
            self.assertIsNone(target.split_absolute(other), other)


class ReadingTests(SynchronousTestCase):
    def test_readings(self) -> None:
        """Every way a service may read a path is among the readings."""
        for path, expected in {
            b"/a/%2e%2e/b": b"/b",
            b"/a/..%2fb": b"/b",
            b"/a/..%5Cb": b"/b",
            b"/a\\..\\b": b"/b",
            b"/a/..;x/b": b"/b",
            b"/a/%2e%2e;/b": b"/b",
            b"//b": b"/b",
            b"/a//../b": b"/a/b",
            b"/a/.//../b": b"/b",
            b"/%62": b"/b",
            b"/b;v=1": b"/b",
            b"/b%3Bv=1": b"/b",
            b"/a%2fb": b"/a/b",
            b"/a/%2e%2e%2f%2e%2e%2fb": b"/b",
        }.items():
            self.assertIn(expected, target.readings(path), path)

    def test_decoded_once(self) -> None:
        """An escaped escape is decoded once: ``%252e`` never becomes a dot."""
        self.assertEqual(target.readings(b"/a/%252e%252e/b"), {b"/a/%252e%252e/b", b"/a/%2e%2e/b"})

    def test_plain_paths_have_one_reading(self) -> None:
        """A path without anything odd reads as itself."""
        for path in (b"/", b"/grafana/d/1", b"/a.b/c.d", b"/a:b@c+d,e=f"):
            self.assertTrue(target.is_plain(path))
            self.assertEqual(target.readings(path), {path})

    @given(_PATHS)
    @settings(derandomize=True, deadline=None, database=None)
    def test_plain_is_cautious(self, path: bytes) -> None:
        """Whatever is called plain has no reading but itself, and every reading but the first is of some other bytes."""
        found = target.readings(path)
        self.assertIn(path, found)
        if target.is_plain(path):
            self.assertEqual(found, {path})

    def test_dots(self) -> None:
        """Dot segments go by RFC 3986 §5.2.4."""
        for path, expected in {
            b"/a/b/c/./../../g": b"/a/g", b"/../../a": b"/a", b"/a/..": b"/", b"/a/.": b"/a/", b"/a/b/..": b"/a/", b"/..a/b..": b"/..a/b..",
            b"/.": b"/", b"/a/../": b"/",
        }.items():
            self.assertEqual(target.without_dots(path), expected, path)

    def test_unreadable(self) -> None:
        """Bad escapes, NUL and overlong UTF-8 are told; ordinary UTF-8 and Latin-1 are not."""
        for path in (b"/%", b"/%2", b"/%zz", b"/%00", b"/a%c0%af", b"/%e0%80%af", b"/%f0%80%80%af", b"/%C1%9C"):
            self.assertIsNotNone(target.is_unreadable(path), path)
        for path in (b"/a", b"/%C3%A4", b"/%E9", b"/%c0x", b"/%20", b"/%E4%B8%AD"):
            self.assertIsNone(target.is_unreadable(path), path)
