"""The head that goes back to the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.answering import AnswerPlan, own_head, status_line
from meshproxy.core.heads import Answer, Field
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import RequestSettings, ResponseSettings, RouteSettings

DATE = b"Mon, 02 Mar 2026 10:00:00 GMT"
SESSION = b"__Host-meshproxy=new; Path=/; Secure; HttpOnly; SameSite=Lax"


@dataclass
class Service:
    upstream: Upstream = Upstream("http", "grafana.mon.svc", 3000)
    route: RouteSettings = RouteSettings("apps.example.com", "/g", strip_path=True)
    request: RequestSettings = RequestSettings()
    response: ResponseSettings = ResponseSettings()


def plan(**service: Any) -> AnswerPlan:
    return AnswerPlan(Service(**service), Origin("https", "apps.example.com", 443), b"__Host-meshproxy")


USUAL = plan()


def answer(*fields: Field, plan: AnswerPlan = USUAL, status: int = 200, **more: Any) -> tuple[bytes, bool]:
    how = {"http10": False, "close": False, "request_id": b"id-1", "length": 5, "no_body": False, "method": b"GET", "date": DATE, **more}
    return plan.head(status, b"OK", list(fields), **how)


def parsed(head: bytes, method: bytes = b"GET") -> list[Field]:
    """The fields, as h11, which we did not write, reads them: exactly one response head."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(head)
    event = connection.next_event()
    assert isinstance(event, h11.Response | h11.InformationalResponse), event
    assert connection.trailing_data[0] == b""
    return [(bytes(name), bytes(value)) for name, value in event.headers.raw_items()]


def values(head: bytes, name: bytes, method: bytes = b"GET") -> list[bytes]:
    return [value for found, value in parsed(head, method) if found.lower() == name.lower()]


class HeadTests(SynchronousTestCase):
    def test_whole_head(self) -> None:
        """Status line, the service's fields in order and case, framing, what is missing, the id."""
        head, chunked = answer((b"content-type", b"text/plain"), (b"X-B", b"2"), (b"X-B", b"1"), (b"Content-Length", b"5"))
        self.assertFalse(chunked)
        self.assertEqual(
            head,
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nX-B: 2\r\nX-B: 1\r\nContent-Length: 5\r\nDate: " + DATE
            + b"\r\nServer: meshproxy\r\nX-Request-Id: id-1\r\n\r\n",
        )

    def test_hop_by_hop(self) -> None:
        """P1: the upstream connection's fields stay there, and what its Connection names; §0.11: some it cannot name."""
        head, _ = answer(
            (b"X-Gone", b"gone"), (b"Connection", b"x_gone, Set-Cookie, Cache-Control, Location, Content-Type, Strict-Transport-Security"),
            (b"Keep-Alive", b"gone"), (b"Proxy-Connection", b"gone"), (b"Trailer", b"gone"), (b"Upgrade", b"gone"), (b"TE", b"gone"),
            (b"Transfer-Encoding", b"gone"), (b"Set-Cookie", b"a=1"), (b"Cache-Control", b"no-store"), (b"Location", b"/x"),
            (b"Content-Type", b"a/b"), (b"Strict-Transport-Security", b"max-age=1"), (b"X-GONE", b"gone"),
            (b"connection", b"close, X-Too"), (b"X-Too", b"gone"),
        )
        self.assertNotIn(b"gone", head.lower())
        self.assertEqual(values(head, b"Connection"), [])
        for name in (b"Set-Cookie", b"Cache-Control", b"Location", b"Content-Type", b"Strict-Transport-Security"):
            self.assertEqual(len(values(head, name)), 1, name)

    def test_framing(self) -> None:
        """P15: a length where it is known, else chunks for 1.1 and the connection's end for 1.0; never chunks for 1.0."""
        for length, http10, close, expected in (
            (5, False, False, ([b"5"], [], [], False)),
            (0, False, True, ([b"0"], [], [b"close"], False)),
            (None, False, False, ([], [b"chunked"], [], True)),
            (None, True, False, ([], [], [b"close"], False)),
            (5, True, False, ([b"5"], [], [b"keep-alive"], False)),
            (5, True, True, ([b"5"], [], [b"close"], False)),
        ):
            head, chunked = answer((b"Content-Length", b"999"), length=length, http10=http10, close=close)
            found = (values(head, b"Content-Length"), values(head, b"Transfer-Encoding"), values(head, b"Connection"), chunked)
            self.assertEqual(found, expected)

    def test_no_body(self) -> None:
        """P7: HEAD and 304 keep ``Content-Length`` as metadata, 204 has none; none of them gets chunks."""
        told = (b"Content-Length", b"999")
        for status, method, expected in ((200, b"HEAD", [b"999"]), (304, b"GET", [b"999"]), (204, b"GET", [])):
            head, chunked = answer(told, status=status, method=method, length=None, no_body=True)
            self.assertEqual(
                (values(head, b"Content-Length", method), values(head, b"Transfer-Encoding", method), chunked), (expected, [], False)
            )
        for odd in ([(b"Content-Length", b"5"), (b"Content-Length", b"6")], [(b"Content-Length", b"x")], []):
            self.assertEqual(values(answer(*odd, status=304, length=None, no_body=True)[0], b"Content-Length"), [])

    def test_switching(self) -> None:
        """W1: a 101 says Upgrade again, and what the service chose."""
        head, chunked = answer(
            (b"Upgrade", b"WebSocket"), (b"Connection", b"upgrade"), (b"Sec-WebSocket-Accept", b"x="), status=101, length=None, no_body=True
        )
        self.assertIn(b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", head)
        self.assertIn(b"\r\nSec-WebSocket-Accept: x=\r\n", head)
        self.assertEqual((chunked, head.count(b"pgrade: "), b"Content-Length" in head), (False, 1, False))

    def test_date_and_server(self) -> None:
        """P18: added if missing, never double; a service's file may strip Server."""
        head, _ = answer((b"Date", b"d1"), (b"date", b"d2"), (b"Server", b"s1"), (b"SERVER", b"s2"))
        self.assertEqual((values(head, b"Date"), values(head, b"Server")), ([b"d1"], [b"s1"]))
        stripped = plan(response=ResponseSettings(strip=("Server", "X-Powered-By")))
        head, _ = answer((b"Server", b"s1"), (b"x_powered-by", b"p"), plan=stripped)
        self.assertEqual((values(head, b"Server"), b"owered" in head), ([], False))

    def test_nobody_speaks_in_our_name(self) -> None:
        """Contract §4: an upstream's X-Request-Id and X-Meshproxy-Source are dropped."""
        head, _ = answer((b"X-Request-Id", b"theirs"), (b"x-meshproxy-source", b"meshproxy"), (b"X_Request_Id", b"theirs"))
        self.assertEqual((values(head, b"X-Request-Id"), values(head, b"X-Meshproxy-Source")), ([b"id-1"], []))
        self.assertNotIn(b"theirs", head)

    def test_locations(self) -> None:
        """Contract §2.4.2: Location and its like become public, unless the service's file says keep."""
        fields = (
            (b"Location", b"http://grafana.mon.svc:3000/a"), (b"Content-Location", b"/b"), (b"Refresh", b"1; url=/c"),
            (b"Access-Control-Allow-Origin", b"http://grafana.mon.svc:3000"),
        )
        self.assertEqual(
            [value for _name, value in parsed(answer(*fields)[0])[:4]],
            [b"https://apps.example.com/g/a", b"/g/b", b"1; url=/g/c", b"https://apps.example.com"],
        )
        kept = plan(response=ResponseSettings(locations="keep"))
        self.assertEqual(parsed(answer(*fields, plan=kept)[0])[:4], list(fields))

    def test_cookies(self) -> None:
        """P20: cookies stay separate and in order, translated; none of ours, whatever its spelling."""
        tricks = [
            b"__Host-meshproxy=evil; Path=/; Secure", b"__HOST-Meshproxy=evil", b'"__Host-meshproxy"=evil', b"=__Host-meshproxy=evil",
            b"__Host-meshproxy; Path=/; evil", b" \t__Host-meshproxy =evil", b"meshproxy=evil; Max-Age=0",
            b"__Secure-meshproxy=evil; Domain=example.com",
            b"__Host-meshproxy.1=evil", b"meshproxy-login-x=evil", b"__Host-meshproxy-handoff-x=evil", b"==meshproxy=evil",
        ]
        head, _ = answer(
            *((b"Set-Cookie", cookie) for cookie in (b"a=1; Path=/", *tricks, b"b=2; Domain=grafana.mon.svc", b"meshproxy-theme=dark"))
        )
        self.assertEqual(values(head, b"Set-Cookie"), [b"a=1; Path=/g", b"b=2", b"meshproxy-theme=dark"])
        self.assertNotIn(b"evil", head)

    def test_clearing(self) -> None:
        """No service makes the browser forget our cookies."""
        self.assertEqual(values(answer((b"Clear-Site-Data", b'"cookies"'))[0], b"Clear-Site-Data"), [])
        self.assertEqual(values(answer((b"Clear-Site-Data", b'"cache", "cookies"'))[0], b"Clear-Site-Data"), [b'"cache"'])

    def test_renewed_session(self) -> None:
        """Contract §3.4: an answer that carries the session cookie is private, and nothing else about it changes."""
        head, _ = answer(
            (b"Cache-Control", b"public, max-age=60"),
            (b"CDN-Cache-Control", b"max-age=60"),
            (b"Set-Cookie", b"a=1; Path=/g"),
            set_cookies=(SESSION,),
        )
        self.assertEqual(values(head, b"Cache-Control"), [b"private, max-age=60"])
        self.assertEqual(values(head, b"Set-Cookie"), [b"a=1; Path=/g", SESSION])
        self.assertEqual(values(head, b"CDN-Cache-Control"), [])
        self.assertEqual(values(answer(set_cookies=(SESSION,))[0], b"Cache-Control"), [b"private"])
        self.assertEqual(values(answer((b"Cache-Control", b"public"))[0], b"Cache-Control"), [b"public"])

    def test_obs_text_and_reason(self) -> None:
        """P21: bytes beyond ASCII pass; a reason phrase that would be another line is left out."""
        self.assertEqual(values(answer((b"X-A", b"\x80\xff"))[0], b"X-A"), [b"\x80\xff"])
        self.assertEqual(status_line(200, b"OK\r\nX: y"), b"HTTP/1.1 200 ")

    def test_interim(self) -> None:
        """P6: an interim answer has its own fields and nothing of ours."""
        self.assertEqual(
            plan().interim_head(103, b"Early Hints", [(b"Link", b"</a.css>"), (b"Connection", b"close"), (b"Set-Cookie", b"meshproxy=x")]),
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        )

    def test_memory_is_bounded(self) -> None:
        """Names are the service's to choose: what is remembered of them is bounded."""
        made = plan()
        for number in range(3000):
            answer((b"X-%d" % number, b"1"), (b"Set-Cookie", b"c%d=1" % number), plan=made)
        self.assertLessEqual(max(len(made._starts), len(made._ours)), 1024)


_FIELDS = st.tuples(
    st.sampled_from(
        [
            b"Connection",
            b"Content-Length",
            b"Transfer-Encoding",
            b"Set-Cookie",
            b"Location",
            b"Cache-Control",
            b"Date",
            b"X-A",
            b"x_a",
            b"Upgrade",
            b"X-Request-Id",
            b"Refresh",
            b"Clear-Site-Data",
            b"Server",
        ]
    ),
    st.sampled_from(
        [
            b"",
            b"x-a, date",
            b"5",
            b"chunked",
            b"meshproxy=1",
            b"a=1; Path=/; Domain=svc",
            b"/x",
            b"http://grafana.mon.svc:3000/x",
            b'"*"',
            b"1;url=/x",
        ]
    ),
)


class PropertyTests(SynchronousTestCase):
    @given(
        st.lists(_FIELDS, max_size=8),
        st.sampled_from([200, 204, 302, 304, 404, 503]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 0, 5]),
    )
    @settings(derandomize=True, deadline=None, database=None, max_examples=400)
    def test_always_one_head(self, fields: list[Field], status: int, http10: bool, renewed: bool, length: int | None) -> None:
        """Whatever a service sends, h11 reads one head with one framing, and the lane without framing has the same fields."""
        cookies = (SESSION,) if renewed else ()
        no_body = status in (204, 304)
        head, chunked = answer(*fields, status=status, http10=http10, length=length, no_body=no_body, set_cookies=cookies)
        read = parsed(head)
        names = [name.lower() for name, _value in read]
        self.assertLessEqual(names.count(b"content-length") + names.count(b"transfer-encoding"), 1)
        self.assertEqual(chunked, b"transfer-encoding" in names)
        self.assertEqual((names.count(b"date"), names.count(b"server"), names.count(b"x-request-id")), (1, 1, 1))
        self.assertEqual([value for name, value in read if b"meshproxy=" in value and name.lower() == b"set-cookie"], list(cookies))
        lane = plan().fields(fields, request_id=b"id-1", date=DATE, set_cookies=cookies)
        framing = (b"content-length", b"transfer-encoding", b"connection")
        self.assertEqual(sorted(lane), sorted(field for field in read if field[0].lower() not in framing))


class OwnHeadTests(SynchronousTestCase):
    def own(self, answer: Answer, **more: Any) -> bytes:
        return own_head(answer, **{"request_id": b"id-1", "close": False, "http10": False, "date": DATE, "method": b"GET", **more})

    def test_whole_head(self) -> None:
        """Ours carry source, id, length, date, and no cache keeps them."""
        made = Answer(403, ((b"Content-Type", b"text/html"),), b"12345")
        self.assertEqual(
            self.own(made, close=True),
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nX-Meshproxy-Source: meshproxy\r\nCache-Control: no-store\r\nDate: "
            + DATE + b"\r\nServer: meshproxy\r\nX-Request-Id: id-1\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        )

    def test_what_the_answer_says_goes_first(self) -> None:
        """Another source, other caching: as the answer says."""
        head = self.own(Answer(503, ((b"x-meshproxy-source", b"sidecar"), (b"Cache-Control", b"public"))))
        self.assertEqual((values(head, b"X-Meshproxy-Source"), values(head, b"Cache-Control")), ([b"sidecar"], [b"public"]))

    def test_framing(self) -> None:
        """204 and 304 have no length; HEAD has that of the body it does not get; 1.0 keeps its connection by a word."""
        self.assertEqual(values(self.own(Answer(204)), b"Content-Length"), [])
        self.assertEqual(values(self.own(Answer(304)), b"Content-Length"), [])
        self.assertEqual(values(self.own(Answer(200, (), b"123"), method=b"HEAD"), b"Content-Length", b"HEAD"), [b"3"])
        self.assertEqual(values(self.own(Answer(200), http10=True), b"Connection"), [b"keep-alive"])

    def test_cookies(self) -> None:
        """Cookies of ours are added."""
        self.assertEqual(values(self.own(Answer(302), set_cookies=(SESSION,)), b"Set-Cookie"), [SESSION])

    def test_bad_fields_are_refused(self) -> None:
        """A field that would be two is an error, not two fields."""
        for field in ((b"Location", b"/\r\nSet-Cookie: x"), (b"A B", b"1")):
            self.assertRaises(ValueError, self.own, Answer(302, (field,)))
