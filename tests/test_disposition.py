"""What becomes of a request field of a name."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.disposition import Dispositions, Fate, traced
from meshproxy.core.policy import RequestSettings

TABLE = Dispositions(
    RequestSettings(strip=("X-Debug",)), frozenset({b"x-acme-user"}), frozenset({b"x-acme-user", b"authorization", b"accept"})
)
PLAIN = Dispositions(RequestSettings(), frozenset(), frozenset())


class DispositionTests(SynchronousTestCase):
    def test_dropped(self) -> None:
        """Managed names, hop-by-hop fields, what this service's rewriters set, what its file names: dropped in any spelling."""
        for name in (
            b"X-Forwarded-User", b"x_forwarded_for", b"X-Acme-User", b"X.Acme_User", b"Authorization", b"Accept", b"X-Debug", b"x_debug",
            b"Keep-Alive", b"Proxy-Connection", b"TE", b"Trailer", b"Upgrade", b"HTTP2-Settings", b"Proxy-Authorization", b"Expect",
            b"X-Request-Id", b"X_Request_ID", b"Content_Length", b"Transfer.Encoding", b"Proxy", b"Keep_Alive",
        ):
            self.assertIs(TABLE.of(name).fate, Fate.DROP, name)

    def test_framing(self) -> None:
        """Host and framing by their real names are silently set anew."""
        for name in (b"Host", b"content-length", b"Transfer-Encoding", b"CONNECTION"):
            self.assertIs(TABLE.of(name).fate, Fate.FRAMING, name)

    def test_kept(self) -> None:
        """End-to-end fields are kept, tracing fields among them (wire-rules §0.4)."""
        for name in (
            b"Accept-Encoding", b"Range", b"Content-Type", b"traceparent", b"tracestate", b"b3", b"X-B3-TraceId", b"sw8",
            b"X-Ot-Span-Context",
            b"X-Datadog-Trace-Id", b"X-Cloud-Trace-Context", b"grpc-trace-bin", b"Sec-WebSocket-Protocol", b"X-Requested-With", b"Via",
        ):
            self.assertIs(TABLE.of(name).fate, Fate.KEEP, name)

    def test_by_value(self) -> None:
        """What the value decides, by the service's settings."""
        self.assertIs(PLAIN.of(b"Authorization").fate, Fate.AUTHORIZATION)
        self.assertIs(PLAIN.of(b"COOKIE").fate, Fate.COOKIE)
        self.assertIs(PLAIN.of(b"Max-Forwards").fate, Fate.MAX_FORWARDS)
        for name, fate in ((b"Origin", Fate.ORIGIN), (b"Referer", Fate.REFERER), (b"Destination", Fate.DESTINATION)):
            self.assertIs(PLAIN.of(name).fate, fate)
            self.assertIs(Dispositions(RequestSettings(origin="keep"), frozenset(), frozenset()).of(name).fate, Fate.KEEP)
        dropping = Dispositions(RequestSettings(origin="drop", authorization="drop", via=True), frozenset(), frozenset())
        self.assertIs(dropping.of(b"Origin").fate, Fate.DROP)
        self.assertIs(dropping.of(b"Referer").fate, Fate.KEEP)
        self.assertIs(dropping.of(b"Authorization").fate, Fate.DROP)
        self.assertIs(dropping.of(b"Via").fate, Fate.VIA)

    def test_reasons(self) -> None:
        """Every disposition says who wants it and why."""
        for name in (b"X-Forwarded-User", b"TE", b"Accept", b"X-Debug", b"Expect", b"Range", b"Content_Length", b"X-Request-Id", b"Host"):
            disposition = TABLE.of(name)
            self.assertTrue(disposition.by and disposition.why, name)

    def test_traces_are_redacted(self) -> None:
        """What ``explain`` shows of a secret is that there is one."""
        self.assertEqual(traced(b"Authorization", "keep", b"Bearer x", "browser", "end-to-end").value, "[redacted]")
        self.assertEqual(traced(b"X-Name", "set", "Zo\u00eb".encode(), "a", "b").value, "Zo\u00eb")
