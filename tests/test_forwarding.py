"""The head that goes to a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.disposition import FieldTrace
from meshproxy.core.fields import fold, is_managed
from meshproxy.core.forwarding import ForwardingPlan
from meshproxy.core.heads import Field
from meshproxy.core.inspection import Malformed, inspect
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import RequestSettings, RouteSettings

PUBLIC = Origin("https", "apps.example.com", 443)
HOST = (b"Host", b"apps.example.com")
IDENTITY = b"X-WEBAUTH-USER: alice\r\nImpersonate-Group: sre\r\nImpersonate-Group: dev\r\n"
COOKIE_NAME = b"__Host-meshproxy"


@dataclass
class Service:
    name: str = "grafana"
    upstream: Upstream = Upstream("http", "grafana.mon.svc", 3000)
    route: RouteSettings = RouteSettings("apps.example.com", "/")
    request: RequestSettings = RequestSettings()


def plan(
    public: Origin = PUBLIC, managed: frozenset[bytes] = frozenset(), own: frozenset[bytes] = frozenset(), **service: Any
) -> ForwardingPlan:
    return ForwardingPlan(Service(**service), public, managed, own, COOKIE_NAME)


USUAL = plan()


def head(
    *fields: Field, plan: ForwardingPlan = USUAL, method: bytes = b"GET", target: bytes = b"/d?x=1", version: str = "1.1", **more: Any
) -> bytes:
    facts = inspect(method, target, version, [HOST, *fields])
    how = {"cookie": None, "forwarded_for": b"192.0.2.1", "identity": IDENTITY, "request_id": b"id-1", **more}
    return plan.head(method, target, facts, [HOST, *fields], **how)


def parsed(sent: bytes) -> tuple[bytes, bytes, list[Field]]:
    """Method, target and fields, as h11, which we did not write, reads them: exactly one request."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(sent)
    request = connection.next_event()
    assert isinstance(request, h11.Request), request
    following = connection.next_event()
    assert following is h11.NEED_DATA or isinstance(following, h11.EndOfMessage), following
    assert connection.trailing_data[0] == b""
    return request.method, request.target, [(bytes(name), bytes(value)) for name, value in request.headers.raw_items()]


def values(sent: bytes, name: bytes) -> list[bytes]:
    return [value for found, value in parsed(sent)[2] if found.lower() == name.lower()]


class HeadTests(SynchronousTestCase):
    def test_whole_head(self) -> None:
        """Request line, Host first, X-Forwarded-*, the browser's fields in order and case, the id, identity, the empty line."""
        self.assertEqual(
            head((b"X-B", b"2"), (b"accept", b"*/*"), (b"X-B", b"1")),
            b"GET /d?x=1 HTTP/1.1\r\nHost: grafana.mon.svc:3000\r\nX-Forwarded-Host: apps.example.com\r\nX-Forwarded-Proto: https\r\n"
            b"X-Forwarded-Port: 443\r\nX-Forwarded-For: 192.0.2.1\r\nX-B: 2\r\naccept: */*\r\nX-B: 1\r\nX-Request-Id: id-1\r\n"
            b"X-WEBAUTH-USER: alice\r\nImpersonate-Group: sre\r\nImpersonate-Group: dev\r\n\r\n",
        )

    def test_managed_names_never_arrive(self) -> None:
        """§0.1: whatever the browser makes up under a managed name, in any spelling, is not there."""
        managed = frozenset({b"x-acme-user"})
        made_up = [
            (name, b"evil") for name in (
                b"X-Forwarded-User", b"x_forwarded_host", b"X.Forwarded.For", b"Forwarded", b"X-Real-IP", b"X-WEBAUTH-USER",
                b"x-webauth_user",
                b"Impersonate-Group", b"X-Acme-User", b"X_ACME.USER", b"Remote_User", b"X-Envoy-Original-Path", b"X-Original-URL", b"Proxy",
                b"X-Forwarded-Client-Cert", b"X-Script-Name", b"X-Forwarded-Prefix", b"X-Request-Id", b"Content_Length",
                b"Transfer_Encoding",
            )
        ]
        sent = head(*made_up, plan=plan(managed=managed))
        self.assertNotIn(b"evil", sent)

    def test_own_names(self) -> None:
        """A name that browsers send goes only where this service's own rewriters set it."""
        bearer = (b"Authorization", b"Bearer evil")
        self.assertEqual(values(head(bearer), b"Authorization"), [b"Bearer evil"])
        sent = head(bearer, plan=plan(own=frozenset({b"authorization"})), identity=b"Authorization: Bearer good\r\n")
        self.assertEqual(values(sent, b"Authorization"), [b"Bearer good"])

    def test_authorization(self) -> None:
        """What a provider consumed, or the service's file refuses, does not go on."""
        bearer = (b"Authorization", b"Bearer x")
        self.assertEqual(values(head(bearer, drop_authorization=True), b"Authorization"), [])
        self.assertEqual(values(head(bearer, plan=plan(request=RequestSettings(authorization="drop"))), b"Authorization"), [])

    def test_hop_by_hop(self) -> None:
        """P1, P3, R38: the connection's fields stay here, and what Connection names; never what it may not name."""
        sent = head(
            (b"Connection", b"X-Foo, Keep-Alive, Cookie, Host, X-WEBAUTH-USER, Content-Length"), (b"connection", b"x_bar, HTTP2-Settings"),
            (b"X-Foo", b"gone"), (b"X-Bar", b"gone"), (b"Keep-Alive", b"gone"), (b"Proxy-Connection", b"gone"),
            (b"Proxy-Authorization", b"gone"),
            (b"Trailer", b"gone"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"gone"), (b"Cookie", b"a=1"), (b"X-Stay", b"1"),
            (b"Content-Length", b"3"), method=b"POST",
        )
        for name in (b"Connection", b"Upgrade", b"Keep-Alive", b"Proxy-Connection"):
            self.assertEqual(values(sent, name), [])
        self.assertNotIn(b"gone", sent)
        for name, value in ((b"X-Stay", b"1"), (b"Cookie", b"a=1"), (b"Content-Length", b"3"), (b"X-WEBAUTH-USER", b"alice")):
            self.assertEqual(values(sent, name), [value])
        self.assertEqual(values(sent, b"Host"), [b"grafana.mon.svc:3000"])

    def test_te(self) -> None:
        """P2: at most ``TE: trailers``, with ``Connection: TE``."""
        sent = head((b"TE", b"gzip, trailers"))
        self.assertEqual((values(sent, b"TE"), values(sent, b"Connection")), ([b"trailers"], [b"TE"]))
        self.assertEqual(values(head((b"TE", b"gzip")), b"TE"), [])

    def test_framing(self) -> None:
        """R24: a body's framing as it came, said once; no body, none."""
        counted = head((b"Content-Length", b"007"))
        self.assertEqual(values(counted, b"Content-Length"), [b"7"])
        chunked = head((b"Transfer-Encoding", b"Chunked"), method=b"POST")
        self.assertEqual((values(chunked, b"Transfer-Encoding"), values(chunked, b"Content-Length")), ([b"chunked"], []))
        self.assertEqual(values(head((b"Content-Length", b"0"), method=b"POST"), b"Content-Length"), [b"0"])
        self.assertNotIn(b"Content-Length", head())

    def test_expect_is_ours(self) -> None:
        """R34: ``Expect`` is answered here and goes nowhere."""
        self.assertEqual(values(head((b"Expect", b"100-continue"), (b"Content-Length", b"1"), method=b"POST"), b"Expect"), [])

    def test_cookie(self) -> None:
        """Our cookies never go; the others go where Cookie stood, all lines as one."""
        ours = b"__Host-meshproxy=s; __Host-meshproxy.1=t"
        sent = head((b"COOKIE", b"a=1; " + ours), (b"X-A", b"1"), (b"Cookie", b"b=2; meshproxy=x"))
        self.assertIn(b"\r\nCOOKIE: a=1; b=2\r\nX-A: 1\r\n", sent)
        self.assertEqual(values(head((b"Cookie", ours)), b"Cookie"), [])
        self.assertEqual(values(head((b"Cookie", ours + b"; a=1"), cookie=b"known=1"), b"Cookie"), [b"known=1"])
        self.assertEqual(values(head((b"Cookie", b"a=1"), cookie=b""), b"Cookie"), [])

    def test_origin(self) -> None:
        """Contract §2.4.1: Origin, Referer and Destination of the public origin become the upstream's; keep and drop do what they say."""
        fields = ((b"Origin", b"https://apps.example.com"), (b"Referer", b"https://apps.example.com/a"), (b"Destination", b"https://apps.example.com/b"))
        sent = head(*fields)
        self.assertEqual(values(sent, b"Origin"), [b"http://grafana.mon.svc:3000"])
        self.assertEqual(values(sent, b"Referer"), [b"http://grafana.mon.svc:3000/a"])
        self.assertEqual(values(sent, b"Destination"), [b"http://grafana.mon.svc:3000/b"])
        kept = head(*fields, plan=plan(request=RequestSettings(origin="keep")))
        self.assertEqual(values(kept, b"Origin"), [b"https://apps.example.com"])
        self.assertEqual(values(head(*fields, plan=plan(request=RequestSettings(origin="drop"))), b"Origin"), [])
        self.assertEqual(values(head((b"Origin", b"https://evil.com")), b"Origin"), [b"https://evil.com"])

    def test_prefix(self) -> None:
        """With ``strip_path`` the service is told its prefix; the upstream's own path goes before the target."""
        stripped = plan(route=RouteSettings("apps.example.com", "/g", strip_path=True), upstream=Upstream("http", "a", 80, "/base"))
        sent = head(plan=stripped)
        self.assertEqual(parsed(sent)[1], b"/base/d?x=1")
        self.assertEqual((values(sent, b"X-Forwarded-Prefix"), values(sent, b"X-Script-Name")), ([b"/g"], [b"/g"]))
        self.assertEqual(stripped.request_line(b"GET", b"/d"), b"GET /base/d HTTP/1.1")
        self.assertNotIn(b"X-Forwarded-Prefix", head())

    def test_host_policies(self) -> None:
        """Host is the upstream's name, a literal, or the client's authority."""
        for host, expected in (
            ("upstream", b"grafana.mon.svc:3000"),
            ("grafana.internal", b"grafana.internal"),
            ("preserve", b"apps.example.com"),
        ):
            made = plan(request=RequestSettings(host=host))
            self.assertEqual(values(head(plan=made, preserve_authority="apps.example.com"), b"Host"), [expected])
            self.assertEqual(made.host("apps.example.com"), expected)

    def test_public_name(self) -> None:
        """X-Forwarded-Host has the public port where it is not the default."""
        sent = head(plan=plan(public=Origin("http", "localhost", 8080)))
        for name, value in ((b"X-Forwarded-Host", b"localhost:8080"), (b"X-Forwarded-Proto", b"http"), (b"X-Forwarded-Port", b"8080")):
            self.assertEqual(values(sent, name), [value])

    def test_websocket(self) -> None:
        """W1: a handshake goes on as one, its own fields untouched."""
        key = b"dGhlIHNhbXBsZSBub25jZQ=="
        sent = head(
            (b"Upgrade", b"websocket"), (b"Connection", b"keep-alive, Upgrade"), (b"Sec-WebSocket-Key", key),
            (b"Sec-WebSocket-Version", b"13"),
            (b"Sec-WebSocket-Extensions", b"permessage-deflate"), websocket=True,
        )
        self.assertEqual(
            (values(sent, b"Connection"), values(sent, b"Upgrade"), values(sent, b"Sec-WebSocket-Key")),
            ([b"Upgrade"], [b"websocket"], [key]),
        )
        self.assertEqual(values(sent, b"Sec-WebSocket-Extensions"), [b"permessage-deflate"])

    def test_max_forwards(self) -> None:
        """P4: OPTIONS counts down; elsewhere the field is somebody's own."""
        self.assertEqual(values(head((b"Max-Forwards", b"3"), method=b"OPTIONS"), b"Max-Forwards"), [b"2"])
        self.assertEqual(values(head((b"Max-Forwards", b"3")), b"Max-Forwards"), [b"3"])

    def test_via(self) -> None:
        """P5: Via where it is asked for, beside others'; our own token there already is a loop."""
        via = plan(request=RequestSettings(via=True))
        self.assertEqual(values(head((b"Via", b"1.1 edge"), plan=via), b"Via"), [b"1.1 edge", b"1.1 meshproxy"])
        self.assertEqual(values(head(plan=via, version="1.0"), b"Via"), [b"1.0 meshproxy"])
        with self.assertRaises(Malformed) as caught:
            head((b"Via", b"1.0 fred, 1.1 MeshProxy (x)"), plan=via)
        self.assertEqual(caught.exception.status, 508)
        self.assertEqual(values(head((b"Via", b"1.1 meshproxy")), b"Via"), [b"1.1 meshproxy"])

    def test_obs_text(self) -> None:
        """P21: bytes beyond ASCII pass unchanged."""
        self.assertEqual(values(head((b"X-A", b"\x80\xff")), b"X-A"), [b"\x80\xff"])


class TraceTests(SynchronousTestCase):
    def test_trace_is_what_goes(self) -> None:
        """diagnosis.md §4: keep, set and add, in order, are exactly the fields that go, less Host and framing."""
        fields = [
            (b"Accept", b"*/*"), (b"X-Forwarded-User", b"root"), (b"Connection", b"X-Gone"), (b"X-Gone", b"1"), (b"Origin", b"https://apps.example.com"),
            (b"Via", b"1.1 edge"), (b"Content-Length", b"3"), (b"Expect", b"100-continue"),
        ]
        trace: list[FieldTrace] = []
        made = plan(request=RequestSettings(via=True))
        sent = head(*fields, plan=made, method=b"POST", trace=trace, identity_by={b"X-WEBAUTH-USER": "grafana"})
        going = [(one.name.encode(), one.value.encode()) for one in trace if one.action != "drop"]
        framing = (b"host", b"connection", b"content-length", b"transfer-encoding")
        self.assertEqual(going, [field for field in parsed(sent)[2] if field[0].lower() not in framing])
        told = {(one.name, one.action): one for one in trace}
        self.assertEqual(told["X-Forwarded-User", "drop"].by, "managed names")
        self.assertEqual(told["X-Gone", "drop"].why, "Connection names it")
        self.assertEqual(told["X-WEBAUTH-USER", "set"].by, "grafana")
        self.assertEqual(told["Accept", "keep"].why, "end-to-end")
        self.assertIn(("Origin", "set"), told)
        self.assertIn(("Via", "add"), told)

    def test_secrets_are_redacted(self) -> None:
        """The trace never holds a credential."""
        trace: list[FieldTrace] = []
        head((b"Cookie", b"a=hunter2"), (b"Authorization", b"Basic hunter2"), identity=b"X-Token: hunter2\r\n", trace=trace)
        self.assertNotIn("hunter2", repr(trace))
        self.assertEqual([one.action for one in trace if one.name == "Cookie"], ["keep"])


_NAMES = st.sampled_from([
    b"Accept", b"x-a", b"X_A", b"Cookie", b"COOKIE", b"Origin", b"Referer", b"Via", b"TE", b"Connection", b"Content-Length",
    b"Transfer-Encoding",
    b"Expect", b"Upgrade", b"X-Forwarded-User", b"X_WEBAUTH.USER", b"Authorization", b"Max-Forwards", b"X-Acme", b"x.acme",
    b"Content_Length",
    b"Destination", b"X-Request-Id", b"Host_", b"Keep-Alive",
])
_VALUES = st.sampled_from([
    b"", b"1", b"a=1; __Host-meshproxy=s", b"meshproxy.1=x", b"https://apps.example.com", b"https://apps.example.com/g/x",
    b"X-A, close", b"x_acme",
    b"trailers", b"chunked", b"100-continue", b"websocket", b"keep-alive, Upgrade", b"\x80\tx", b"5",
])


class PropertyTests(SynchronousTestCase):
    @given(
        st.lists(st.tuples(_NAMES, _VALUES), max_size=8), st.sampled_from([b"GET", b"POST", b"OPTIONS"]), st.sampled_from(["1.1", "1.0"]),
        st.booleans(), st.booleans(),
    )
    @settings(derandomize=True, deadline=None, database=None, max_examples=600)
    def test_every_way_gives_the_same_one_request(self, fields: list[Field], method: bytes, version: str, strip: bool, drop: bool) -> None:
        """Whatever is forwarded, h11 reads as exactly one request; with a trace, and by ``kept`` and ``assemble``, it is the same."""
        fields = [HOST, *fields]
        try:
            facts = inspect(method, b"/d?x=1", version, fields)
        except Malformed:
            return
        own = frozenset({b"x-acme"})
        made = plan(route=RouteSettings("apps.example.com", "/g", strip_path=strip), managed=own, own=own)
        common: Any = {"forwarded_for": b"192.0.2.1", "identity": IDENTITY, "request_id": b"id-1", "websocket": facts.upgrade_websocket}
        sent = made.head(method, b"/d?x=1", facts, fields, cookie=None, drop_authorization=drop, **common)
        traced = made.head(method, b"/d?x=1", facts, fields, cookie=None, drop_authorization=drop, trace=[], **common)
        kept = made.kept(facts, fields, cookie=None, drop_authorization=drop)
        self.assertEqual(sent, traced)
        self.assertEqual(sent, made.assemble(kept, method, b"/d?x=1", facts, **common))
        read_method, target, read = parsed(sent)
        self.assertEqual((read_method, target), (method, b"/d?x=1"))
        names = [name.lower() for name, _value in read]
        self.assertEqual([names.count(name) for name in (b"host", b"x-forwarded-for", b"x-request-id", b"x-webauth-user")], [1, 1, 1, 1])
        self.assertNotIn(b"meshproxy", b"".join(values(sent, b"Cookie")))
        self.assertFalse([name for name, _value in kept if is_managed(fold(name)) or fold(name) in own])
        length = dict(read).get(b"Content-Length")
        self.assertEqual(length, None if facts.content_length is None else b"%d" % facts.content_length)
        self.assertEqual(facts.chunked, b"transfer-encoding" in names)


class AssembleTests(SynchronousTestCase):
    def assemble(self, *kept: Field, method: bytes = b"GET", target: bytes = b"/") -> bytes:
        facts = inspect(b"GET", b"/", "1.1", [HOST])
        return plan().assemble(list(kept), method, target, facts, forwarded_for=b"1.1.1.1", identity=b"", request_id=b"i")

    def test_plugins_cannot_touch_ours(self) -> None:
        """Contract §5: a plugin sets neither Host nor framing nor what we set, and cannot bring our cookie back."""
        sent = self.assemble(
            (b"Host", b"evil"), (b"Content-Length", b"5"), (b"Transfer_Encoding", b"chunked"), (b"Connection", b"evil"),
            (b"X-Forwarded-For", b"evil"),
            (b"x_request_id", b"evil"), (b"Cookie", b"__Host-meshproxy=evil; a=1"), (b"Upgrade", b"evil"), (b"X-Mine", b"fine"),
        )
        self.assertNotIn(b"evil", sent)
        self.assertEqual((values(sent, b"X-Mine"), values(sent, b"Cookie")), ([b"fine"], [b"a=1"]))
        self.assertEqual(values(sent, b"Content-Length") + values(sent, b"Transfer_Encoding"), [])
        self.assertEqual(values(self.assemble((b"Cookie", b"meshproxy=evil")), b"Cookie"), [])

    def test_what_is_no_field_is_refused(self) -> None:
        """A field or a request line that would be another thing on the wire is the plugin's fault."""
        for field in ((b"X A", b"1"), (b"", b"1"), (b"X-A", b"1\r\nX-B: 2"), (b"X-A:", b"1"), (b"X-A", b"\x00")):
            self.assertRaises(ValueError, self.assemble, field)
        self.assertRaises(ValueError, self.assemble, target=b"/ HTTP/1.1\r\nX: y")
        self.assertRaises(ValueError, self.assemble, target=b"http://evil/")
        self.assertRaises(ValueError, self.assemble, method=b"GET /")
