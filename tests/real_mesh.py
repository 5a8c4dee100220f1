"""The mesh, once: what a forwarded Host comes to between two real sidecars, and what meshproxy makes of it."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage

from .support.mesh import SKIP, MeshLab, run_in

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
