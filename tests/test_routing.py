"""Host and path to route, under every reading."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.policy import RouteSettings
from meshproxy.core.routing import Match, Misroute, RouteTable
from meshproxy.core.target import without_dots

SHARED = RouteTable(
    "apps.example.com",
    [
        ("grafana", RouteSettings("apps.example.com", "/grafana", strip_path=True)),
        ("deep", RouteSettings("apps.example.com", "/grafana/deep")),
        ("jenkins", RouteSettings("apps.example.com", "/jenkins")),
        ("alone", RouteSettings("alone.example.com", "/")),
        ("root", RouteSettings("two.example.com", "/")),
        ("admin", RouteSettings("two.example.com", "/admin")),
    ],
)


class FindTests(SynchronousTestCase):
    def service(self, host: str, path: bytes) -> str | None:
        found = SHARED.find(host, path)
        assert isinstance(found, Match), f"{path!r}: {found}"
        return found.service

    def status(self, host: str, path: bytes) -> int:
        found = SHARED.find(host, path)
        assert isinstance(found, Misroute), f"{path!r}: {found}"
        self.assertTrue(found.reason)
        return found.status

    def test_longest_prefix_of_whole_segments(self) -> None:
        """The longest prefix wins, and only at a segment's end."""
        for path, service in {
            b"/grafana": "grafana", b"/grafana/": "grafana", b"/grafana/d/1": "grafana", b"/grafana/deep": "deep",
            b"/grafana/deep/x": "deep", b"/grafana/deeper": "grafana", b"/jenkins/a": "jenkins",
        }.items():
            self.assertEqual(self.service("apps.example.com", path), service, path)
        for path in (b"/grafanax", b"/Grafana", b"/x", b"/jenkin"):
            self.assertEqual(self.status("apps.example.com", path), 404, path)

    def test_stripped(self) -> None:
        """``strip_path`` takes the prefix away and leaves a path that begins with a slash; the rest stays byte for byte."""
        for path, forwarded in {
            b"/grafana": b"/", b"/grafana/": b"/", b"/grafana/d/1": b"/d/1", b"/grafana/a%20b//c": b"/a%20b//c",
        }.items():
            self.assertEqual(SHARED.find("apps.example.com", path), Match("grafana", False, forwarded, "/grafana"))
        self.assertEqual(SHARED.find("apps.example.com", b"/jenkins/x"), Match("jenkins", False, b"/jenkins/x", "/jenkins"))

    def test_own_prefix(self) -> None:
        """``/_meshproxy`` is ours on every host, before any service."""
        for host in ("apps.example.com", "alone.example.com", "two.example.com"):
            for path in (b"/_meshproxy", b"/_meshproxy/", b"/_meshproxy/login"):
                self.assertEqual(SHARED.find(host, path), Match(None, True, path, "/_meshproxy"))
        self.assertEqual(self.service("alone.example.com", b"/_meshproxyx"), "alone")

    def test_home(self) -> None:
        """``/`` of the public host is the home page unless a service has it; other hosts have none."""
        self.assertEqual(SHARED.find("apps.example.com", b"/"), Match(None, True, b"/", "/"))
        taken = RouteTable("a", [("root", RouteSettings("a", "/"))])
        self.assertEqual(taken.find("a", b"/"), Match("root", False, b"/", "/"))
        other = RouteTable("a", [("x", RouteSettings("b", "/x"))])
        self.assertEqual(other.find("b", b"/"), Misroute(404, "no service has this path"))

    def test_unknown_host(self) -> None:
        """A host that nobody has is 421, for our own pages too."""
        for path in (b"/", b"/_meshproxy/login"):
            self.assertEqual(self.status("other.example.com", path), 421)

    def test_readings_that_differ(self) -> None:
        """§0.5: on a shared host a path that some service may read as another's is refused."""
        for host, path in (
            ("apps.example.com", b"/grafana/../jenkins"),
            ("apps.example.com", b"/grafana/%2e%2e/jenkins"),
            ("apps.example.com", b"/grafana/..%2fjenkins"),
            ("apps.example.com", b"/grafana/..%5cjenkins"),
            ("apps.example.com", b"/grafana\\..\\jenkins"),
            ("apps.example.com", b"/grafana/..;/jenkins"),
            ("apps.example.com", b"/grafana/..;x=1/jenkins"),
            ("apps.example.com", b"//jenkins"),
            ("apps.example.com", b"/%6aenkins"),
            ("apps.example.com", b"/jenkins;x/y"),
            ("apps.example.com", b"/jenkins%2fx"),
            ("apps.example.com", b"/jenkins%3bx"),
            ("apps.example.com", b"/grafana//deep"),
            ("apps.example.com", b"/grafana/x/../deep"),
            ("apps.example.com", b"/grafana/.."),
            ("apps.example.com", b"//"),
            ("two.example.com", b"/x/../admin"),
            ("two.example.com", b"/admin/../x"),
            ("two.example.com", b"/x/../%61dmin/%2e%2e/b"),
            ("two.example.com", b"/_meshproxy/../admin"),
            ("two.example.com", b"/x/..%2f_meshproxy/login"),
        ):
            self.assertEqual(self.status(host, path), 400, path)

    def test_readings_that_agree(self) -> None:
        """Odd paths that every reading leads to one service go on byte for byte."""
        for path in (b"/jenkins/job/a%2Fb", b"/jenkins//x", b"/jenkins/x;v=1", b"/jenkins/a/../b", b"/jenkins/%C3%A4", b"/jenkins/a\\b"):
            self.assertEqual(SHARED.find("apps.example.com", path), Match("jenkins", False, path, "/jenkins"))

    def test_alone_at_the_root(self) -> None:
        """On a host whose only service is at ``/`` everything goes on byte for byte, bad escapes too, but nothing that leads to us."""
        for path in (b"/api/queues/%2F/q", b"//a", b"/../..", b"/a;b", b"/%zz", b"/%00", b"/a%c0%af", b"/\\"):
            self.assertEqual(SHARED.find("alone.example.com", path), Match("alone", False, path, "/"))
        for path in (b"/x/../_meshproxy/login", b"/%5fmeshproxy/login", b"//_meshproxy/", b"/_meshproxy/../x", b"/x%2f..%2f_meshproxy"):
            self.assertEqual(self.status("alone.example.com", path), 400, path)

    def test_bad_escapes(self) -> None:
        """On a shared host bad escapes, NUL and overlong UTF-8 are 400."""
        for path in (b"/jenkins/%", b"/jenkins/%zz", b"/jenkins/%00", b"/jenkins/%c0%ae%c0%ae"):
            self.assertEqual(self.status("apps.example.com", path), 400, path)

    def test_too_many_readings(self) -> None:
        """A long path full of oddities is refused before it costs anything."""
        self.assertEqual(self.status("apps.example.com", b"/jenkins" + b"/a%2fb\\c;d//e/..%5c/./x%2e%2e" * 500), 400)

    def test_memory_is_bounded(self) -> None:
        """Paths are strangers' to choose: what is remembered of them is bounded."""
        table = RouteTable("a", [("root", RouteSettings("a", "/"))])
        for number in range(5000):
            table.find("a", b"/%d" % number)
        self.assertLessEqual(len(table._hosts["a"].find), 2048)

    def test_losers(self) -> None:
        """``explain`` is told every other route and why it was not taken."""
        lost = {loser.service: loser.why for loser in SHARED.losers("apps.example.com", b"/grafana/deep/x")}
        self.assertEqual(set(lost), {"grafana", "jenkins", "alone", "root", "admin"})
        self.assertIn("longer", lost["grafana"])
        self.assertIn("not under", lost["jenkins"])
        self.assertIn("host", lost["alone"])
        self.assertEqual(len(SHARED.losers("nowhere", b"/")), 6)
        own = {loser.service: loser.why for loser in SHARED.losers("two.example.com", b"/_meshproxy/x")}
        self.assertIn("own prefix", own["root"])


# What services do to a path, as they do it: each written anew here, so that the rule is not tested against itself.
_STEPS = {
    "decode": unquote_to_bytes,
    "decode all but slashes": lambda path: b"".join(
        part if part.lower() in (b"%2f", b"%5c") else unquote_to_bytes(part) for part in re.split(rb"(%2[fF]|%5[cC])", path)
    ),
    "decode slashes": lambda path: re.sub(rb"%2[fF]|%5[cC]", b"/", path),
    "backslash": lambda path: path.replace(b"\\", b"/"),
    "parameters": lambda path: b"/".join(segment.partition(b";")[0] for segment in path.split(b"/")),
    "merge": lambda path: re.sub(rb"/+", b"/", path),
    "dots": without_dots,
}
_ODD_PATHS = st.lists(
    st.sampled_from([
        b"/", b"/a", b"/admin", b"admin", b"/..", b"/.", b"..", b"%2e", b"%2F", b"%5c", b"\\", b";x", b"%3b", b"%61", b"x", b"%2561",
        b"_meshproxy",
    ]),
    max_size=8,
).map(lambda parts: b"/" + b"".join(parts))


class ReadingTests(SynchronousTestCase):
    @given(_ODD_PATHS, st.permutations(list(_STEPS)), st.integers(1, 7))
    @settings(derandomize=True, deadline=None, database=None, max_examples=1500)
    def test_no_service_reads_anothers_path(self, path: bytes, order: list[str], count: int) -> None:
        """Whatever a service does to a path, in any order, decoding once: what is forwarded to it stays within its own route."""
        found = SHARED.find("two.example.com", path)
        if isinstance(found, Misroute):
            return
        read, decoded = path, False
        for step in order[:count]:
            if step.startswith("decode"):
                if decoded:
                    continue
                decoded = True
            read = _STEPS[step](read)
        place = "own" if re.match(rb"/_meshproxy(/|$)", read) else "admin" if re.match(rb"/admin(/|$)", read) else "root"
        self.assertEqual(place, "own" if found.own else found.service, (path, order[:count], read))
