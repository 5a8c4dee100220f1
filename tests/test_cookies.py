"""meshproxy.sessions.cookies"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin
from meshproxy.sessions.cookies import CHUNK_BYTES, SessionCookies

from .support.sessions import KEYS, session_cookies

PUBLIC = Origin("https", "apps.example.com", 443)


def written(cookies: SessionCookies, size: int) -> list[bytes]:
    """The cookie values of so much noise."""
    values = cookies.pack(KEYS, b"session", os.urandom(size), os.urandom)
    assert values is not None
    return values


def header(cookies: SessionCookies, values: list[bytes]) -> bytes:
    """The Cookie value of these."""
    return b"; ".join(line.partition(b";")[0] for line in cookies.written("apps.example.com", values, 60))


class NameTests(SynchronousTestCase):
    def test_the_three_forms(self) -> None:
        """``__Host-`` on https, ``__Secure-`` with a cookie_domain, the bare name on http."""
        for public, domain, name in (
            (PUBLIC, "", b"__Host-meshproxy"),
            (PUBLIC, "example.com", b"__Secure-meshproxy"),
            (Origin("http", "localhost", 8080), "", b"meshproxy"),
        ):
            self.assertEqual(SessionCookies(public, domain).name, name)

    def test_attributes(self) -> None:
        """HttpOnly, SameSite=Lax, Path=/, Secure on https, Domain for hosts under the cookie_domain alone."""
        for cookies, host, line in (
            (SessionCookies(PUBLIC), "apps.example.com", b"__Host-meshproxy=x; Max-Age=60; SameSite=Lax; Path=/; HttpOnly; Secure"),
            (SessionCookies(PUBLIC, "example.com"), "a.example.com",
             b"__Secure-meshproxy=x; Max-Age=60; SameSite=Lax; Path=/; HttpOnly; Secure; Domain=example.com"),
            (SessionCookies(PUBLIC, "example.com"), "other.net",
             b"__Secure-meshproxy=x; Max-Age=60; SameSite=Lax; Path=/; HttpOnly; Secure"),
            (SessionCookies(Origin("http", "localhost", 8080)), "localhost", b"meshproxy=x; Max-Age=60; SameSite=Lax; Path=/; HttpOnly"),
        ):  # fmt: skip
            self.assertEqual(cookies.written(host, [b"x"], 59.5), (line,))

    def test_exact_deletion(self) -> None:
        """A deletion has the name and the attributes of what it deletes; all chunks go."""
        cookies = SessionCookies(PUBLIC, "example.com")
        names = [line.partition(b"=")[0] for line in cookies.deletions("a.example.com")]
        self.assertEqual(names, [b"__Secure-meshproxy", b"__Secure-meshproxy.1", b"__Secure-meshproxy.2"])
        for line in cookies.deletions("a.example.com"):
            self.assertTrue(line.endswith(b"=; Max-Age=0; SameSite=Lax; Path=/; HttpOnly; Secure; Domain=example.com"), line)

    def test_scope(self) -> None:
        """A session is for the host, or for the domain and everything under it; a name that merely ends alike is not under it."""
        domain = SessionCookies(PUBLIC, ".Example.com")
        for host, scope in (("example.com", "example.com"), ("a.b.example.com", "example.com"), ("evilexample.com", "evilexample.com")):
            self.assertEqual(domain.scope(host), scope)
        self.assertEqual(SessionCookies(PUBLIC).scope("a.example.com"), "a.example.com")

    def test_short_cookies(self) -> None:
        """Cookies of attempts are for one host, whatever the cookie_domain; across sites only where a form comes from another one."""
        cookies = SessionCookies(PUBLIC, "example.com")
        self.assertEqual(
            cookies.short(b"login-abc", b"v", 600), b"__Secure-meshproxy-login-abc=v; Max-Age=600; SameSite=Lax; Path=/; HttpOnly; Secure"
        )
        self.assertIn(b"SameSite=None", cookies.short(b"login-abc", b"v", 600, cross_site=True))
        plain = SessionCookies(Origin("http", "localhost", 8080))
        self.assertIn(b"SameSite=Lax", plain.short(b"login-abc", b"v", 600, cross_site=True))
        self.assertEqual(cookies.shorts({b"__Secure-meshproxy-login-abc": [b"v"], b"x": [b"y"]}, b"login"), {b"abc": [b"v"]})

    def test_leftovers(self) -> None:
        """The cookies of a time when sessions had another name are deleted where they are seen."""
        cookies = SessionCookies(PUBLIC)
        ours = session_cookies(b"__Secure-meshproxy=x; __Secure-meshproxy.1=y; __Host-meshproxy=z")
        self.assertEqual([line.partition(b"=")[0] for line in cookies.leftovers(ours)], [b"__Secure-meshproxy", b"__Secure-meshproxy.1"])
        self.assertEqual(SessionCookies(Origin("http", "localhost", 80)).leftovers(ours), ())


class ChunkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cookies = SessionCookies(PUBLIC)

    def unpack(self, cookie: bytes) -> tuple[bytes, int] | None:
        return self.cookies.unpack(KEYS, b"session", session_cookies(cookie))

    def test_one_to_three(self) -> None:
        """What is packed is unpacked, in as few cookies as it takes, none longer than browsers keep."""
        for size, count in ((1, 1), (2700, 1), (3000, 2), (5600, 2), (5800, 3), (8400, 3)):
            payload = os.urandom(size)
            values = self.cookies.pack(KEYS, b"session", payload, os.urandom)
            assert values is not None
            self.assertEqual((len(values), max(map(len, values)) <= CHUNK_BYTES), (count, True), size)
            self.assertEqual(self.unpack(header(self.cookies, values)), (payload, count))

    def test_every_size_around_the_edges(self) -> None:
        """Where a session just fits or just does not, it is read back all the same."""
        for size in (*range(2770, 2830), *range(5620, 5680), *range(8470, 8530)):
            payload = os.urandom(size)
            values = self.cookies.pack(KEYS, b"session", payload, os.urandom)
            if values is not None:
                self.assertEqual(self.unpack(header(self.cookies, values)), (payload, len(values)), size)

    def test_more_than_three(self) -> None:
        """What takes more than three cookies is not packed."""
        self.assertIsNone(self.cookies.pack(KEYS, b"session", os.urandom(9000), os.urandom))

    def test_a_longer_session_before(self) -> None:
        """Chunks that a longer session left behind do not spoil the shorter one, and are deleted at the next writing."""
        longer, shorter = written(self.cookies, 8000), written(self.cookies, 100)
        cookie = b"__Host-meshproxy=%s; __Host-meshproxy.1=%s; __Host-meshproxy.2=%s" % (shorter[0], longer[1], longer[2])
        found = self.unpack(cookie)
        assert found is not None
        self.assertEqual(found[1], 1)
        self.assertEqual(self.cookies.count(session_cookies(cookie)), 3)
        lines = self.cookies.written("apps.example.com", shorter, 60, stale=3)
        self.assertEqual([(line.partition(b"=")[0], b"Max-Age=0" in line) for line in lines], [
            (b"__Host-meshproxy", False), (b"__Host-meshproxy.1", True), (b"__Host-meshproxy.2", True),
        ])  # fmt: skip

    def test_mixed(self) -> None:
        """Chunks of two sessions make none."""
        one, two = written(self.cookies, 8000), written(self.cookies, 8000)
        for values in ([one[0], two[1], one[2]], [two[0], one[1], one[2]], [one[1], one[0], one[2]], one[:2], one[1:], one[:1]):
            self.assertIsNone(self.unpack(header(self.cookies, values)), [value[:10] for value in values])

    def test_a_gap(self) -> None:
        """Without its middle a session is none."""
        one = written(self.cookies, 8000)
        self.assertIsNone(self.unpack(b"__Host-meshproxy=%s; __Host-meshproxy.2=%s" % (one[0], one[2])))

    def test_rechunked(self) -> None:
        """The same sealed text in another number of cookies is none: the number stands inside the seal."""
        one = written(self.cookies, 3000)
        self.assertIsNone(self.unpack(b"__Host-meshproxy=" + b"".join(one)))

    def test_doubled(self) -> None:
        """A name that comes twice makes nobody known: one of the two was set by somebody else."""
        for size in (100, 8000):
            cookie = header(self.cookies, written(self.cookies, size))
            for name in (b"__Host-meshproxy", b"__Host-meshproxy.1"):
                if size == 8000 or not name.endswith(b".1"):
                    self.assertIsNone(self.unpack(cookie + b"; " + name + b"=x"))
                    self.assertIsNone(self.unpack(name + b"=x; " + cookie))

    def test_lookalikes(self) -> None:
        """A name in another case, in quotes, or of another form is not ours to read."""
        value = written(self.cookies, 100)[0]
        for name in (b"__host-meshproxy", b"__Secure-meshproxy", b"meshproxy", b'"__Host-meshproxy"', b"__Host-Meshproxy"):
            self.assertIsNone(self.unpack(name + b"=" + value), name)

    def test_another_purpose(self) -> None:
        """What was sealed as something else is no session."""
        values = self.cookies.pack(KEYS, b"reference", b"x", os.urandom)
        assert values is not None
        self.assertIsNone(self.unpack(header(self.cookies, values)))
