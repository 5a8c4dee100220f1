"""The mesh, once: what a forwarded Host comes to between two real sidecars, and what meshproxy makes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from .support.mesh import SKIP, MeshLab, run_in
from .support.running import Running

BROWSERS_HOST = b"dashboard.example.com"


def get(host: bytes, target: bytes = b"/", version: bytes = b"1.1") -> bytes:
    """A request that ends its connection."""
    return b"GET %b HTTP/%b\r\nHost: %b\r\nAccept: application/json\r\nConnection: close\r\n\r\n" % (target, version, host)


class MeshTests(unittest.TestCase):
    """The mesh itself does what Istio's does: without these the tests of meshproxy in it would prove nothing."""

    timeout = 60
    if SKIP:
        skip = SKIP

    def setUp(self) -> None:
        self.lab = MeshLab(reactor, Path(self.mktemp()))

    def test_the_right_host(self) -> Deferred[None]:
        """With the service's Host the sidecars speak mutual TLS, and the service learns our mesh identity."""
        return run_in(self.lab, self.the_right_host)

    async def the_right_host(self, lab: MeshLab) -> None:
        for port in (lab.ports.outbound_any, lab.ports.outbound_registry_only, lab.ports.outbound_plain):
            for name in (lab.host, lab.host.upper(), f"{lab.host}:9999", lab.host.partition(".svc")[0]):
                answer = await lab.exchange(port, get(name.encode()))
                head, _, body = answer.partition(b"\r\n\r\n")
                self.assertIn(b"HTTP/1.1 200 ", head)
                self.assertIn(b"x-envoy-upstream-service-time", head)
                self.assertEqual([name.encode()], lab.recorder.values(b"host"))
                self.assertIn(lab.client_id.encode(), lab.recorder.values(b"x-forwarded-client-cert")[0])
                self.assertIn("request_line", json.loads(body))

    def test_a_forwarded_host(self) -> Deferred[None]:
        """With the browser's Host a sidecar that allows any answers 503 in its own words, and the service hears nothing."""
        return run_in(self.lab, self.a_forwarded_host)

    async def a_forwarded_host(self, lab: MeshLab) -> None:
        for port in (lab.ports.outbound_any, lab.ports.outbound_plain):
            head, _, body = (await lab.exchange(port, get(BROWSERS_HOST))).partition(b"\r\n\r\n")
            self.assertIn(b"HTTP/1.1 503 ", head)
            self.assertIn(b"content-type: text/plain\r\n", head + b"\r\n")
            self.assertNotIn(b"x-envoy-upstream-service-time", head)
            self.assertEqual(b"upstream connect error or disconnect/reset before headers. reset reason: connection termination", body)
        self.assertEqual([], lab.recorder.heads)
        line = await lab.access_log("PassthroughCluster")
        self.assertIn("503 UC upstream_reset_before_response_started{connection_termination}", line)
        self.assertIn("NR filter_chain_not_found", await lab.access_log("filter_chain_not_found"))

    def test_a_forwarded_host_in_a_closed_registry(self) -> Deferred[None]:
        """With the browser's Host a sidecar that knows its registry alone answers an empty 502."""
        return run_in(self.lab, self.a_closed_registry)

    async def a_closed_registry(self, lab: MeshLab) -> None:
        head, _, body = (await lab.exchange(lab.ports.outbound_registry_only, get(BROWSERS_HOST))).partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 502 ", head)
        self.assertEqual(b"", body)
        self.assertEqual([], lab.recorder.heads)

    def test_http_1_0(self) -> Deferred[None]:
        """HTTP/1.0, as the stock proxy speaks it, ends in 426, or behind protocol sniffing in a connection that just closes."""
        return run_in(self.lab, self.http_1_0)

    async def http_1_0(self, lab: MeshLab) -> None:
        old = get(lab.host.encode(), version=b"1.0")
        self.assertIn(b"HTTP/1.1 426 ", await lab.exchange(lab.ports.outbound_plain, old))
        self.assertEqual(b"", await lab.exchange(lab.ports.outbound_any, old))
        self.assertEqual([], lab.recorder.heads)

    def test_plaintext_to_strict(self) -> Deferred[None]:
        """Around the sidecar there is no way: a strict port closes on plaintext."""
        return run_in(self.lab, self.plaintext_to_strict)

    async def plaintext_to_strict(self, lab: MeshLab) -> None:
        self.assertEqual(b"", await lab.exchange(lab.ports.inbound, get(lab.host.encode())))

    def test_websocket(self) -> Deferred[None]:
        """A WebSocket goes through both sidecars to a real echo, with the right Host; with the browser's it is 503."""
        return run_in(self.lab, self.websocket)

    async def websocket(self, lab: MeshLab) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        wire = await lab.connect(lab.ports.outbound_any)
        wire.write(client.send(Request(host=lab.host, target="/ws")))
        client.receive_data(await wire.until(b"\r\n\r\n"))
        self.assertIsInstance(next(client.events()), AcceptConnection)
        wire.write(client.send(TextMessage("through the mesh")))
        client.receive_data(await wire.until(b"through the mesh"))
        self.assertEqual("through the mesh", next(client.events()).data)
        wire.transport.loseConnection()
        await wire.closed
        foreign = WSConnection(ConnectionType.CLIENT).send(Request(host=BROWSERS_HOST.decode(), target="/ws"))
        wire = await lab.connect(lab.ports.outbound_any)
        wire.write(foreign)
        self.assertIn(b"HTTP/1.1 503 ", await wire.until(b"\r\n\r\n"))
        wire.transport.loseConnection()
        await wire.closed


def service(port: int, more: str = "") -> str:
    """A service file: everybody may enter, browsers know it under another name than the mesh does."""
    return f"""
upstream = "http://localhost:{port}"
[route]
host = "dashboard.example.com"
[access]
public = true
{more}
"""


class MeshproxyInTheMeshTests(unittest.TestCase):
    """The same mesh, the same browser's Host, with meshproxy between them."""

    timeout = 90
    if SKIP:
        skip = SKIP

    def setUp(self) -> None:
        self.lab = MeshLab(reactor, Path(self.mktemp()))

    def in_front(self, test: Callable[[MeshLab, Running], Awaitable[None]], more: str = "", policy: str = "outbound_any") -> Deferred[None]:
        """Run a test with a meshproxy whose one service lies behind our sidecar."""

        async def whole(lab: MeshLab) -> None:
            running = Running(reactor, Path(self.mktemp()), {"orders": service(getattr(lab.ports, policy), more)})
            try:
                await running.start()
                await test(lab, running)
                await running.stop()
            finally:
                await running.kill()

        return run_in(self.lab, whole)

    def test_http(self) -> Deferred[None]:
        """The browser's Host goes no further: the service gets its own, our mesh identity, and the public name beside it."""
        return self.in_front(self.http)

    def test_http_in_a_closed_registry(self) -> Deferred[None]:
        """Nothing changes where the sidecar knows its registry alone."""
        return self.in_front(self.http, policy="outbound_registry_only")

    async def http(self, lab: MeshLab, running: Running) -> None:
        answer = await running.exchange(get(BROWSERS_HOST + b":%d" % running.port, b"/a?b=c"))
        self.assertIn(b"HTTP/1.1 200 ", answer)
        self.assertNotIn(b"x-meshproxy-source", answer.lower())
        self.assertEqual(b"GET /a?b=c HTTP/1.1", lab.recorder.heads[-1][0])
        (host,) = lab.recorder.values(b"host")
        self.assertTrue(host.startswith(b"localhost:"), host)
        self.assertEqual([BROWSERS_HOST + b":%d" % running.port], lab.recorder.values(b"x-forwarded-host"))
        self.assertIn(lab.client_id.encode(), lab.recorder.values(b"x-forwarded-client-cert")[0])
        (record,) = await running.records_with(log="access", path="/a")
        self.assertEqual(
            ("orders", 200, f"dashboard.example.com:{running.port}", host.decode(), "service"),
            (record["service"], record["status"], record["authority"], record["upstream_authority"], record["answered_by"]),
        )

    def test_a_literal_host(self) -> Deferred[None]:
        """A Host that the conf file names goes up as it stands there."""
        return self.in_front(self.a_literal_host, f'[request]\nhost = "{MeshLab.host}"')

    async def a_literal_host(self, lab: MeshLab, running: Running) -> None:
        self.assertIn(b"HTTP/1.1 200 ", await running.exchange(get(BROWSERS_HOST)))
        self.assertEqual([lab.host.encode()], lab.recorder.values(b"host"))

    def test_nothing_else_chooses(self) -> Deferred[None]:
        """Whatever else a browser says about where to go, the request goes to the service, or nowhere."""
        return self.in_front(self.nothing_else_chooses)

    async def nothing_else_chooses(self, lab: MeshLab, running: Running) -> None:
        other = b"other.shop.svc.cluster.local"
        for name in (b"X-Forwarded-Host", b"X-Original-Host", b"X-Host", b"X-Envoy-Original-Dst-Host", b"X-Envoy-Original-Path",
                     b"X-Original-URL", b"X-Rewrite-URL", b"X-Envoy-Decorator-Operation", b"X_Forwarded_Host"):
            request = get(BROWSERS_HOST, b"/x").replace(b"Connection:", name + b": " + other + b"\r\nConnection:")
            self.assertIn(b"HTTP/1.1 200 ", await running.exchange(request), name)
            self.assertTrue(lab.recorder.values(b"host")[0].startswith(b"localhost:"), name)
            self.assertEqual(b"GET /x HTTP/1.1", lab.recorder.heads[-1][0])
        reached = len(lab.recorder.heads)
        for request, status in (
            (get(other), b"421"),
            (get(BROWSERS_HOST, b"http://" + other + b"/x"), b"4"),
            (get(BROWSERS_HOST).replace(b"Connection:", b"Host: " + other + b"\r\nConnection:"), b"400"),
            (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        ):
            self.assertIn(b"HTTP/1.1 " + status, await running.exchange(request))
        self.assertEqual(reached, len(lab.recorder.heads))

    def test_websocket(self) -> Deferred[None]:
        """A WebSocket opens through meshproxy and both sidecars, and carries frames both ways."""
        return self.in_front(self.websocket)

    async def websocket(self, lab: MeshLab, running: Running) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        wire = await running.connect()
        wire.write(client.send(Request(host=BROWSERS_HOST.decode(), target="/ws")))
        client.receive_data(await wire.until(b"\r\n\r\n"))
        self.assertIsInstance(next(client.events()), AcceptConnection)
        for text in ("through", "both sidecars"):
            wire.write(client.send(TextMessage(text)))
            client.receive_data(await wire.until(text.encode()))
            self.assertEqual(text, next(client.events()).data)
        wire.write(client.send(CloseConnection(1000)))
        client.receive_data(await wire.until(lambda data: len(data) >= 4))
        self.assertEqual(1000, next(client.events()).code)
        await wire.closed
        (record,) = await running.records_with(log="access", path="/ws")
        self.assertEqual(101, record["status"])

    def test_streams(self) -> Deferred[None]:
        """Server-sent events come as they are sent, and an upload arrives whole."""
        return self.in_front(self.streams)

    async def streams(self, lab: MeshLab, running: Running) -> None:
        wire = await running.connect()
        wire.write(b"GET /clock HTTP/1.1\r\nHost: %b\r\n\r\n" % BROWSERS_HOST)
        self.assertIn(b"text/event-stream", await wire.until(b"id: 1\n"))
        wire.transport.loseConnection()
        await wire.closed
        body = bytes(range(256)) * 4096
        head = b"POST /upload HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (BROWSERS_HOST, len(body))
        answer = await running.exchange(head + body)
        self.assertIn(hashlib.sha256(body).hexdigest().encode(), answer)

    def test_the_sidecar_restarts(self) -> Deferred[None]:
        """A restarted sidecar costs nobody a request: a connection that died while idle is noticed, or the request is sent again."""
        return self.in_front(self.the_sidecar_restarts)

    async def the_sidecar_restarts(self, lab: MeshLab, running: Running) -> None:
        self.assertIn(b"HTTP/1.1 200 ", await running.exchange(get(BROWSERS_HOST)))
        await lab.stop_sidecars()
        self.assertIn(b"HTTP/1.1 502 ", await running.exchange(get(BROWSERS_HOST, b"/gone")))
        (record,) = await running.records_with(log="access", path="/gone")
        self.assertEqual(("nobody", "connect_refused"), (record["answered_by"], record["cause"]))
        await lab.start_sidecars()
        self.assertIn(b"HTTP/1.1 200 ", await running.exchange(get(BROWSERS_HOST)))

    def test_the_service_is_gone(self) -> Deferred[None]:
        """Behind living sidecars a service that is gone is the peer's sidecar's 503, replaced by a page of ours without Envoy's text."""
        return self.in_front(self.the_service_is_gone)

    async def the_service_is_gone(self, lab: MeshLab, running: Running) -> None:
        await lab.recorder.stop()
        answer = await running.exchange(get(BROWSERS_HOST, b"/gone"))
        self.assertIn(b"HTTP/1.1 503 ", answer)
        self.assertIn(b"x-meshproxy-source: sidecar", answer.lower())
        for word in (b"upstream connect error", b"envoy", b"localhost:%d" % lab.ports.outbound_any):
            self.assertNotIn(word, answer.lower())
        (record,) = await running.records_with(log="access", path="/gone")
        self.assertEqual(("peer-sidecar", "connect_refused", 503), (record["answered_by"], record["cause"], record["status"]))
