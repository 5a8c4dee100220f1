"""Our cookies and the others'."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.cookie_field import is_ours, name_of, split

HOST = b"__Host-meshproxy"


class SplitTests(SynchronousTestCase):
    def test_others_stay_byte_for_byte(self) -> None:
        """What is not ours goes on as it came, odd spacing and odd names too."""
        for cookie in (
            b"",
            b"a=1",
            b"a=1;b=2;  c",
            b'x="q; r"; =; ;',
            b"meshproxy-theme=dark; meshproxyx=1; my_meshproxy=2; meshproxy.a=3",
        ):
            self.assertEqual(split(cookie, HOST), ({}, cookie))

    def test_ours_go(self) -> None:
        """Session, chunks, login attempts and hand-offs go, under each of the three names."""
        cookie = (
            b"a=1; __Host-meshproxy=s0; __Host-meshproxy.1=s1; b=2; __Host-meshproxy-login-abc=l; __Host-meshproxy-handoff-d=h; "
            b"meshproxy=p; __Secure-meshproxy.2=q; c=3"
        )
        ours, rest = split(cookie, HOST)
        self.assertEqual(rest, b"a=1; b=2; c=3")
        self.assertEqual(ours, {
            b"__Host-meshproxy": [b"s0"], b"__Host-meshproxy.1": [b"s1"], b"__Host-meshproxy-login-abc": [b"l"],
            b"__Host-meshproxy-handoff-d": [b"h"], b"meshproxy": [b"p"], b"__Secure-meshproxy.2": [b"q"],
        })
        self.assertEqual(split(b"__Host-meshproxy=s; a=1", HOST)[1], b"a=1")
        self.assertEqual(split(b"meshproxy=s", b"meshproxy"), ({b"meshproxy": [b"s"]}, b""))

    def test_doubled(self) -> None:
        """A cookie that comes twice has both values, in order."""
        self.assertEqual(split(b"meshproxy=1; meshproxy=2", b"meshproxy")[0], {b"meshproxy": [b"1", b"2"]})

    def test_look_alikes_go_and_are_not_taken(self) -> None:
        """Another case, quotes, a nameless cookie: none goes upstream, none is taken for the real one."""
        for trick in (
            b"__HOST-MESHPROXY=x",
            b'"__Host-meshproxy"=x',
            b"=__Host-meshproxy=x",
            b"__Host-meshproxy",
            b"= __host-meshproxy.1=x",
        ):
            ours, rest = split(b"a=1; " + trick + b"; b=2", HOST)
            self.assertEqual(rest, b"a=1; b=2", trick)
            self.assertEqual(ours.get(HOST, [b""]), [b""], trick)

    @given(
        st.lists(
            st.sampled_from([b"a=1", b"__Host-meshproxy=s", b"meshproxy.1=x", b"b", b"", b"=c", b" meshproxy = y", b"d=meshproxy"]),
            max_size=8,
        )
    )
    @settings(derandomize=True, deadline=None, database=None)
    def test_nothing_of_ours_remains(self, pairs: list[bytes]) -> None:
        """In what remains no reader finds a cookie of ours, and every other one is there in order."""
        rest = split(b"; ".join(pairs), HOST)[1]
        self.assertFalse([pair for pair in rest.split(b";") if is_ours(name_of(pair), HOST)])
        others = [pair.strip() for pair in pairs if not is_ours(name_of(pair), HOST)]
        self.assertEqual([pair.strip() for pair in rest.split(b";") if pair.strip()], [pair for pair in others if pair])


class NameTests(SynchronousTestCase):
    def test_name(self) -> None:
        """The name is what stands before ``=``; of a nameless cookie, what a browser sends back in its place."""
        for pair, name in {b" a = 1": b"a ", b"a": b"a", b"=a=b": b"a", b"==a": b"a", b"": b"", b"=": b""}.items():
            self.assertEqual(name_of(pair), name)

    def test_chunks_are_numbered(self) -> None:
        """Only digits follow the dot of a chunk."""
        self.assertTrue(is_ours(b"meshproxy.12", HOST))
        for name in (b"meshproxy.", b"meshproxy.x", b"meshproxy.1x", b"meshproxy-loginx", b"xmeshproxy", b"__Host-__Host-meshproxy"):
            self.assertFalse(is_ours(name, HOST), name)
