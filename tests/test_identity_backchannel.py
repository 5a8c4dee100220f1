"""The back channel: an answer is whole, small, in time and from the URL that was asked, or it is an error of a known kind."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import treq
from treq.testing import RequestTraversalAgent
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Site

from meshproxy.identity.backchannel import BackChannel, BackChannelError, back_channel_for

from .support.certificates import Authority
from .support.contexts import context
from .support.nasty_provider import NastyProvider
from .support.rp_flow import clock_at


class MemoryTests(SynchronousTestCase):
    """Against a provider in memory."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.idp = NastyProvider(self.clock)
        self.agent = RequestTraversalAgent(self.idp.resource)
        self.http = BackChannel(self.clock, agent=self.agent, cap=1000)

    def settle(self, deferred: Any) -> Any:
        if not isinstance(deferred, Deferred):
            deferred = Deferred.fromCoroutine(deferred)
        for _ in range(5):
            self.agent.flush()
        return deferred

    def kind(self, deferred: Any) -> str:
        """The kind of error that came."""
        return str(self.failureResultOf(self.settle(deferred), BackChannelError).value.kind)

    def serve(self, status: int, body: bytes, **fields: str) -> str:
        self.idp.raw["/x"] = (status, {name.replace("_", "-"): value for name, value in fields.items()}, body)
        return self.idp.url("/x")

    def test_json(self) -> None:
        """A value and the fields of the answer; Accept and User-Agent are sent, and no encoding is accepted."""
        value, fields = self.successResultOf(self.settle(self.http.get_json(self.serve(200, b'{"a": 1}', X_Y="z"))))
        self.assertEqual((value, fields.getRawHeaders("x-y")), ({"a": 1}, ["z"]))
        sent = self.idp.requests[0][2]
        self.assertEqual(sent["accept"], "application/json")
        self.assertTrue(sent["user-agent"].startswith("meshproxy/"))
        self.assertNotIn("accept-encoding", sent)

    def test_json_errors(self) -> None:
        """Every status but 200, and what is no JSON."""
        for status, body, kind in (
            (404, b"{}", "status"),
            (500, b"{}", "status"),
            (204, b"", "status"),
            (200, b"<html>", "not_json"),
            (200, b"", "not_json"),
            (200, b'{"a":1,"a":2}', "not_json"),
        ):
            self.assertEqual(self.kind(self.http.get_json(self.serve(status, body))), kind, status)

    def test_form(self) -> None:
        """A form goes out urlencoded; whatever the status, body and fields come back."""
        url = self.serve(400, b'{"error": "x"}')
        status, value, _ = self.successResultOf(self.settle(self.http.post_form(url, {"a": "b c&d=ü"}, {"X-More": "1"})))
        self.assertEqual((status, value), (400, {"error": "x"}))
        method, _, fields, form = self.idp.requests[0]
        self.assertEqual((method, form, fields["x-more"]), ("POST", {"a": "b c&d=ü"}, "1"))
        self.assertEqual(fields["content-type"], "application/x-www-form-urlencoded")
        self.assertEqual(self.successResultOf(self.settle(self.http.post_form(self.serve(200, b"ok=1"), {})))[1], b"ok=1")

    def test_too_large(self) -> None:
        """A body over the cap, announced or not."""
        self.assertEqual(self.kind(self.http.get_json(self.serve(200, b"x" * 1001))), "too_large")

    def test_redirect(self) -> None:
        """A redirect is an error, whatever was asked of it; nobody follows it."""
        url = self.serve(302, b"", Location=self.idp.url("/jwks"))
        self.assertEqual(self.kind(self.http.get_json(url)), "redirect")
        self.assertEqual(self.kind(self.http.get(url, allow_redirects=True)), "redirect")
        self.assertEqual(self.idp.asked("/jwks"), 0)

    def test_compressed(self) -> None:
        """A compressed body that nobody asked for is not inflated: it could become a thousand times as large."""
        url = self.serve(200, gzip.compress(b"[" + b" " * 100_000 + b"]"), Content_Encoding="gzip")
        self.assertEqual(self.kind(self.http.get_json(url)), "encoding")

    def test_insecure(self) -> None:
        """Plain http elsewhere than on loopback is not even tried."""
        for url in ("http://idp.example/x", "http://10.0.0.1/", "ftp://127.0.0.1/x"):
            self.assertEqual(self.kind(self.http.get_json(url)), "insecure")
        self.assertEqual(self.idp.requests, [])

    def test_deadline(self) -> None:
        """Who does not answer in time is given up; nothing is left running."""
        self.idp.hanging.add("/x")
        pending = self.settle(self.http.get_json(self.idp.url("/x")))
        self.clock.advance(4.9)
        self.assertNoResult(pending)
        self.clock.advance(0.2)
        self.assertEqual(self.kind(pending), "timeout")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """Whoever cancels hears CancelledError, and no deadline stays behind."""
        self.idp.hanging.add("/x")
        pending = self.settle(self.http.get_json(self.idp.url("/x")))
        pending.cancel()
        self.failureResultOf(pending, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_cookies(self) -> None:
        """A provider's cookies are not kept."""
        url = self.serve(200, b"{}", Set_Cookie="a=b; Path=/")
        for _ in range(2):
            self.successResultOf(self.settle(self.http.get_json(url)))
        self.assertNotIn("cookie", self.idp.requests[1][2])

    def test_as_treq(self) -> None:
        """Plugins use it as treq: json=, params=, response.json(), response.code."""
        self.serve(201, b'{"b": 2}')
        response = self.successResultOf(self.settle(self.http.post(self.idp.url("/x"), json={"a": 1}, params={"q": "1"})))
        self.assertEqual(response.code, 201)
        self.assertEqual(self.successResultOf(response.json()), {"b": 2})
        self.assertEqual(self.successResultOf(treq.text_content(response)), '{"b": 2}')

    def test_errors_have_no_secret(self) -> None:
        """Errors name host and status; the query, a user's password and the body stay out."""
        self.idp.raw["/x"] = (500, {}, b"s3cret")
        error = self.failureResultOf(self.settle(self.http.get_json(self.idp.url("/x?code=s3cret"))), BackChannelError).value
        self.assertEqual((error.status, "s3cret" in str(error)), (500, False))
        error = self.failureResultOf(self.settle(self.http.get_json("https://u:s3cret@idp.example/")), BackChannelError).value
        self.assertNotIn("s3cret", str(error))


class _Raw(Protocol):
    """Says what its factory says, then does what it says."""

    def dataReceived(self, data: bytes) -> None:
        if b"\r\n\r\n" in data:
            self.factory.act(self.transport)


class SocketTests(TestCase):
    """Over real sockets."""

    def listen(self, factory: Any, tls: PrivateCertificate | None = None) -> int:
        if tls is not None:
            port = reactor.listenSSL(0, factory, tls.options(), interface="127.0.0.1")
        else:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    def raw(self, act: Any) -> str:
        factory = Factory.forProtocol(_Raw)
        factory.act = act
        factory.noisy = False
        return f"http://127.0.0.1:{self.listen(factory)}/"

    async def kind(self, http: BackChannel, url: str) -> str:
        with self.assertRaises(BackChannelError) as caught:
            await http.get_json(url)
        return str(caught.exception.kind)

    async def test_endless(self) -> None:
        """A body without end is cut at the cap, and the connection closed."""
        closed: Deferred[None] = Deferred()

        class Endless(Protocol):
            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.transport.registerProducer(self, False)

            def resumeProducing(self) -> None:
                self.transport.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")

            def stopProducing(self) -> None:
                return

            def connectionLost(self, reason: Any = None) -> None:
                closed.callback(None)

        url = f"http://127.0.0.1:{self.listen(Factory.forProtocol(Endless))}/"
        self.assertEqual(await self.kind(BackChannel(reactor), url), "too_large")
        await closed

    async def test_cut(self) -> None:
        """A body shorter than announced, a connection that closes at once or answers something else than HTTP."""

        def answer(data: bytes) -> Any:
            return lambda transport: (transport.write(data), transport.loseConnection())

        for data, kind in (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "cut"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "cut"),
            (b"", "cut"),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "cut"),
        ):
            self.assertEqual(await self.kind(BackChannel(reactor), self.raw(answer(data))), kind, data)

    async def test_ends_with_the_connection(self) -> None:
        """A body without a length ends with the connection: old servers do that."""
        url = self.raw(lambda transport: (transport.write(b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}'), transport.loseConnection()))
        self.assertEqual((await BackChannel(reactor).get_json(url))[0], {"a": 1})

    async def test_nobody(self) -> None:
        """Nobody listens there."""
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        url = f"http://127.0.0.1:{port.getHost().port}/"
        await port.stopListening()
        self.assertEqual(await self.kind(BackChannel(reactor), url), "connect")

    async def test_tls(self) -> None:
        """With the right CA it works; with the system's it is refused; with another name too."""
        authority = Authority(Path(self.mktemp()))
        site = Site(NastyProvider(reactor).resource)
        for name, kind in (("localhost", ""), ("another.example", "tls")):
            files = authority.issue(name)
            port = self.listen(site, PrivateCertificate.loadPEM(b"".join(path.read_bytes() for path in files)))
            url = f"https://localhost:{port}/.well-known/openid-configuration"
            if kind:
                self.assertEqual(await self.kind(BackChannel(reactor, ca_file=authority.ca_file), url), kind)
            else:
                self.assertIn("issuer", (await BackChannel(reactor, ca_file=authority.ca_file).get_json(url))[0])
                self.assertEqual(await self.kind(BackChannel(reactor), url), "tls")


class ContextTests(SynchronousTestCase):
    def test_own_or_the_contexts(self) -> None:
        """Without settings of its own a provider uses the context's client."""
        clock = clock_at()
        around = context(clock, BackChannel(clock))
        self.assertIs(back_channel_for(around, timeout=4.0), around.http)
        self.assertIsNot(back_channel_for(around, timeout=6.0), around.http)
        self.assertIsNot(back_channel_for(around, proxy="http://proxy.example:3128"), around.http)
        self.assertRaises(ValueError, back_channel_for, around, proxy="socks5://proxy.example")
