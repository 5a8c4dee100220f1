"""The pool: which connection a request gets, what queues, what is refused, and that nothing is left behind."""

from __future__ import annotations

import os
import random
import shutil
import socket
import tempfile

from twisted.internet import defer, reactor
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from meshproxy.core.places import Upstream
from meshproxy.settings import PoolSettings, TimeoutSettings
from meshproxy.upstream.pool import Pool
from meshproxy.wheel import Wheel

from .support.wire import HEAD, KEY, SWITCHING, Recorder, Wire

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class PoolTests(SynchronousTestCase):
    def wire(self, **options: object) -> Wire:
        wire = Wire(**options)  # type: ignore[arg-type]
        self.addCleanup(wire.close)
        return wire

    def test_last_used_first(self) -> None:
        """The connection that was used last serves next: it is the least likely to be closed by the service."""
        wire = self.wire()
        pairs = [wire.ask() for _ in range(3)]
        for number in (1, 0, 2):
            pairs[number][1].answers(EMPTY)
            pairs[number][1].takes()
        self.assertEqual((wire.pool.idle, wire.pool.opened_total), (3, 3))
        wire.submit()
        wire.submit()
        self.assertEqual([service.takes() for _, service in pairs], [HEAD, b"", HEAD])
        self.assertEqual((wire.pool.reused_total, wire.pool.active, wire.pool.idle), (2, 2, 1))

    def test_limit_and_queue(self) -> None:
        """Over ``active`` requests queue and go on as others end, in order, on the connection that became free."""
        wire = self.wire(active=2)
        first = [wire.ask(), wire.ask()]
        queued = [wire.submit() for _ in range(3)]
        self.assertEqual((wire.pool.active, wire.pool.queued, wire.waiting), (2, 3, 0))
        service = first[0][1]
        for receiver in queued:
            service.answers(EMPTY)
            self.assertEqual(receiver.names(), ["upstream_connected"])
        self.assertEqual((wire.pool.active, wire.pool.queued, wire.pool.opened_total), (2, 0, 2))

    def test_queue_is_full(self) -> None:
        """The request after the last place in the queue is refused at once."""
        wire = self.wire(active=1, queue=2)
        wire.ask()
        wire.submit()
        wire.submit()
        evidence = wire.submit().evidence
        self.assertEqual((evidence.phase, evidence.end, wire.pool.queued), ("queue", "overload", 2))

    def test_queue_timeout(self) -> None:
        """Who waits longer than 5 s is refused, and only they."""
        wire = self.wire(active=1)
        _, service = wire.ask()
        old = wire.submit()
        wire.advance(3)
        young = wire.submit()
        wire.advance(2.5)
        self.assertEqual((old.evidence.phase, old.evidence.end), ("queue", "overload"))
        self.assertGreaterEqual(old.evidence.timings["queue"], 5)
        service.answers(EMPTY)
        self.assertEqual((young.names(), old.names()), (["upstream_connected"], ["upstream_failed"]))

    def test_one_person_cannot_starve_the_others(self) -> None:
        """``per_principal``: the excess of one person waits while everybody else passes."""
        wire = self.wire(active=10, per_principal=2, queue=3)
        greedy = [wire.submit(principal="greedy") for _ in range(5)]
        self.assertEqual((wire.pool.active, wire.pool.queued), (2, 3))
        modest = wire.submit(principal="modest")
        self.assertEqual((wire.pool.active, modest.exchange.attempt is not None), (3, True))
        for _ in range(2):
            wire.submit(principal="modest")
        self.assertEqual(greedy[4].evidence.end, "overload")
        service = wire.accept()
        service.answers(EMPTY)
        self.assertEqual(greedy[2].names(), ["upstream_connected"])

    def test_tunnels_count_apart(self) -> None:
        """Tunnels take no place from requests, nor requests from tunnels."""
        wire = self.wire(active=1, tunnels=1)
        tunnel, service = wire.ask(websocket_key=KEY)
        service.answers(SWITCHING)
        _, other = wire.ask()
        self.assertEqual((wire.pool.active, wire.pool.tunnels, wire.pool.queued), (1, 1, 0))
        waiting = wire.submit(websocket_key=KEY)
        other.answers(EMPTY)
        self.assertEqual((wire.pool.queued, waiting.names()), (1, []))
        tunnel.exchange.cancel()
        self.assertEqual((wire.pool.queued, wire.pool.tunnels), (0, 1))

    def test_tunnel_takes_a_fresh_connection(self) -> None:
        """A WebSocket does not take an idle connection."""
        wire = self.wire()
        _, service = wire.ask()
        service.answers(EMPTY)
        wire.submit(websocket_key=KEY)
        self.assertEqual((wire.waiting, wire.pool.idle), (1, 1))

    def test_cancel_everywhere(self) -> None:
        """Cancelled in the queue, while connecting, while sent: no call, the place is free, the next goes on."""
        wire = self.wire(active=1)
        connecting = wire.submit()
        queued, following = wire.submit(), wire.submit()
        queued.exchange.cancel()
        connecting.exchange.cancel()
        connecting.exchange.cancel()
        self.assertEqual((queued.calls, connecting.calls, wire.pool.active, wire.pool.queued), ([], [], 1, 0))
        self.assertEqual(wire.waiting, 2)
        wire.reactor.tcpClients.pop(0)
        service = wire.accept()
        self.assertEqual(following.names(), ["upstream_connected"])
        following.exchange.cancel()
        self.assertTrue(service.disconnected)
        self.assertEqual(wire.pool.active, 0)

    def test_failed_connection_frees_the_place(self) -> None:
        """A refused connection fails its request and lets the next try."""
        wire = self.wire(active=1)
        first, second = wire.submit(), wire.submit()
        wire.refuse(ConnectionRefusedError(111, "Connection refused"))
        self.assertEqual((first.evidence.phase, first.evidence.end), ("connect", "refused"))
        wire.accept().answers(EMPTY)
        self.assertEqual(second.names()[-1], "answer_finished")

    def test_submit_within_the_last_call(self) -> None:
        """A relay that sends its next (pipelined) request from ``answer_finished`` gets the connection that just became free."""
        wire = self.wire(active=1)
        following = Recorder()
        receiver = Recorder(answer_finished=lambda _: wire.submit(receiver=following))
        wire.submit(receiver=receiver)
        service = wire.accept()
        service.answers(EMPTY)
        service.answers(EMPTY)
        self.assertEqual((following.names()[-1], wire.pool.opened_total), ("answer_finished", 1))

    def test_close_drains(self) -> None:
        """After close(): idle connections go, what runs ends in peace and is not kept, nor is what comes late."""
        wire = self.wire(active=2)
        _, idle = wire.ask()
        running, service = wire.ask()
        idle.answers(EMPTY)
        wire.pool.close()
        self.assertTrue(idle.disconnecting and not service.disconnecting)
        late = wire.submit()
        late_service = wire.accept()
        late_service.answers(EMPTY)
        service.answers(EMPTY)
        self.assertEqual((running.names()[-1], service.disconnecting, wire.pool.idle), ("answer_finished", True, 0))
        self.assertEqual((late.names()[-1], late_service.disconnecting), ("answer_finished", True))

    def test_close_without_draining(self) -> None:
        """close(drain=False) breaks off everything and tells everybody."""
        wire = self.wire(active=2)
        sent, service = wire.ask()
        connecting, queued = wire.submit(), wire.submit()
        tunnel = wire.submit(websocket_key=KEY)
        wire.pool.close(drain=False)
        self.assertEqual([r.evidence.end for r in (sent, connecting, queued, tunnel, wire.submit())], ["aborted"] * 5)
        self.assertTrue(service.disconnected)

    def test_close_goes_to_the_end(self) -> None:
        """A relay that raises when it is told does not keep the other connections open."""
        wire = self.wire()
        raising = Recorder(upstream_failed=lambda _: 1 / 0)
        wire.submit(receiver=raising)
        services = [wire.accept()]
        services += [wire.ask()[1] for _ in range(3)]
        wire.pool.close(drain=False)
        self.assertEqual([service.disconnected for service in services], [True] * 4)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_dead_connection_and_post(self) -> None:
        """A request that cannot be repeated never takes a connection in whose socket a FIN or a byte already waits."""
        for kill in (lambda sock: sock.close(), lambda sock: sock.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")):
            wire = self.wire()
            _, service = wire.ask()
            service.answers(EMPTY)
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            connection = wire.pool._idle[0]
            connection._socket = ours
            wire.submit(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")  # alive: taken
            self.assertEqual((wire.waiting, wire.pool.idle), (0, 0))
            service.answers(EMPTY)
            kill(theirs)
            wire.submit(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual((wire.waiting, service.disconnecting), (1, True))
            ours.close()
            theirs.close()

    def test_interleaved_requests_never_mix(self) -> None:
        """1,000 requests of two people over a service that misbehaves at random: everybody gets their own answer or none."""
        chance = random.Random(11)
        wire = self.wire(active=4, queue=50, queue_for=1e6)
        wrong: list[object] = []
        receivers: list[tuple[bytes, Recorder]] = []
        services: list[object] = []

        def misbehave(service, marker: bytes) -> None:
            good = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(marker), marker)
            kind = chance.randrange(8)
            if kind == 0:
                service.answers(good + good.replace(marker, b"S" * len(marker)))
            elif kind == 1:
                service.answers(good[:-2])
                service.fin()
            elif kind == 2:
                service.fin()
            elif kind == 3:
                service.answers(b"HTTP/1.1 204 No Content\r\n\r\n" + marker)
            elif kind == 4:
                service.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(marker), marker))
            else:
                cut = chance.randrange(1, len(good))
                service.answers(good[:cut], good[cut:])

        for number in range(1000):
            marker = b"person-%d-%04d" % (number % 2, number)
            receivers.append((marker, wire.submit(HEAD.replace(b"/x", b"/" + marker))))
            while wire.waiting:
                services.append(wire.accept())
            for service in list(services):
                if service.disconnecting or service.gone:  # type: ignore[attr-defined]
                    services.remove(service)
                    continue
                sent = service.takes()  # type: ignore[attr-defined]
                if sent:
                    misbehave(service, sent.split(b" ")[1][1:])
            wire.reactor.advance(0)
        finished = 0
        for marker, receiver in receivers:
            if receiver.names()[-1:] == ["answer_finished"]:
                finished += 1
                if receiver.body not in (marker, b""):
                    wrong.append((marker, receiver.calls))
            elif not marker.startswith(receiver.body):
                wrong.append((marker, receiver.calls))
        self.assertEqual(wrong, [])
        self.assertGreater(finished, 500)


@implementer(IHalfCloseableProtocol)
class Service(Protocol):
    """Answers each request with its own head; closes when the other side has."""

    def readConnectionLost(self) -> None:
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        pass

    def dataReceived(self, data: bytes) -> None:
        self.factory.heads.append(data)  # type: ignore[union-attr]
        if b"/close" in data:
            self.transport.loseConnection()
        elif b"/reset" in data:
            self.transport.abortConnection()
        elif b"Upgrade" in data:
            self.transport.write(SWITCHING)
        elif data.startswith(b"GET"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))
        else:
            self.transport.write(data)


class RealSockets(TestCase):
    """The same over real TCP and Unix sockets."""

    def setUp(self) -> None:
        self.factory = Factory.forProtocol(Service)
        self.factory.heads = []  # type: ignore[attr-defined]
        self.wheel = Wheel(reactor)

    def pool(self, upstream: Upstream, **more: object) -> Pool:
        pool = Pool(reactor, self.wheel, upstream, TimeoutSettings(connect=3.0), PoolSettings(), **more)  # type: ignore[arg-type]

        async def end() -> None:
            pool.close(drain=False)
            while pool.connections:
                await _turn()

        self.addCleanup(lambda: defer.Deferred.fromCoroutine(end()))
        return pool

    def listen(self) -> int:
        port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return port.getHost().port

    async def answer(
        self, pool: Pool, head: bytes = HEAD, until: tuple[str, ...] = ("answer_finished", "upstream_failed"), **more: object
    ) -> Recorder:
        done: defer.Deferred[None] = defer.Deferred()
        receiver = Recorder(**{name: lambda _: done.called or done.callback(None) for name in until})
        more.setdefault("body", False)
        receiver.exchange = pool.submit(receiver, head, head.split(b" ")[0], chunked=False, **more)  # type: ignore[arg-type]
        await done
        return receiver

    async def _roundtrip(self, pool: Pool) -> None:
        for _ in range(3):
            receiver = await self.answer(pool)
            self.assertEqual(receiver.body, HEAD)
        self.assertEqual((pool.opened_total, pool.reused_total, pool.idle, pool.active), (1, 2, 1, 0))

    def test_tcp_address(self) -> defer.Deferred[None]:
        """By address: keep-alive over one connection."""
        return defer.Deferred.fromCoroutine(self._roundtrip(self.pool(Upstream("http", "127.0.0.1", self.listen()))))

    def test_tcp_name(self) -> defer.Deferred[None]:
        """By name, tried on every address it has."""
        return defer.Deferred.fromCoroutine(self._roundtrip(self.pool(Upstream("http", "localhost", self.listen()))))

    def test_unix(self) -> defer.Deferred[None]:
        """``unix:`` and ``sample:`` over a Unix socket."""

        async def both() -> None:
            path = os.path.join(self.mktemp_short(), "s")
            port = reactor.listenUNIX(path, self.factory)  # type: ignore[attr-defined]
            self.addCleanup(port.stopListening)
            await self._roundtrip(self.pool(Upstream("unix", "localhost", 0, path)))
            await self._roundtrip(self.pool(Upstream("sample", "localhost", 0), sample_path=path))

        return defer.Deferred.fromCoroutine(both())

    def test_tunnel_half_closed_by_the_service(self) -> defer.Deferred[None]:
        """A service's FIN in a tunnel leaves the other direction open (plain sockets)."""

        async def run() -> None:
            listener = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(listener.close)
            pool = self.pool(Upstream("http", "127.0.0.1", listener.getsockname()[1]))
            opened: defer.Deferred[None] = defer.Deferred()
            finished: defer.Deferred[None] = defer.Deferred()
            receiver = Recorder(tunnel_opened=lambda _: opened.callback(None), tunnel_finished=lambda _: finished.callback(None))
            receiver.exchange = pool.submit(receiver, HEAD, b"GET", body=False, chunked=False, websocket_key=KEY)
            while "upstream_connected" not in receiver.names():
                await _turn()
            service, _ = listener.accept()
            self.addCleanup(service.close)
            service.sendall(SWITCHING)
            await opened
            service.shutdown(socket.SHUT_WR)
            await finished
            self.assertEqual((receiver.calls[-1], pool.tunnels), (("tunnel_finished",), 1))
            receiver.exchange.write_tunnel(b"after your end")
            receiver.exchange.finish_tunnel()
            while pool.connections:
                await _turn()
            got = b""
            while data := service.recv(4096):
                got += data
            self.assertEqual((got, pool.tunnels), (HEAD + b"after your end", 0))

        return defer.Deferred.fromCoroutine(run())

    def test_slow_service(self) -> defer.Deferred[None]:
        """A service that does not read makes the relay pause; when it reads, everything arrives."""

        async def run() -> None:
            listener = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(listener.close)
            pool = self.pool(Upstream("http", "127.0.0.1", listener.getsockname()[1]))
            piece, written = b"x" * 65536, 0
            paused, resumed = [False], [0]
            receiver = Recorder(
                pause_body=lambda _: paused.__setitem__(0, True),
                resume_body=lambda _: (paused.__setitem__(0, False), resumed.__setitem__(0, resumed[0] + 1)),
            )
            head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            receiver.exchange = pool.submit(receiver, head, b"POST", body=True, chunked=True)
            while "upstream_connected" not in receiver.names():
                await _turn()
            service, _ = listener.accept()
            self.addCleanup(service.close)
            service.setblocking(False)
            for _ in range(400):
                if not paused[0]:
                    receiver.exchange.write_body(piece)
                    written += len(piece)
                await _turn()
            self.assertTrue(paused[0])
            self.assertLess(written, 20_000_000)
            receiver.exchange.finish_body()
            got = bytearray()
            while not got.endswith(b"0\r\n\r\n"):
                try:
                    got += service.recv(1 << 20)
                except BlockingIOError:
                    await _turn()
            service.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            while receiver.names()[-1] != "answer_finished":
                await _turn()
            self.assertEqual((got.count(b"x"), resumed[0] > 0, pool.idle), (written + 1, True, 1))

        return defer.Deferred.fromCoroutine(run())

    def mktemp_short(self) -> str:
        """A directory whose sockets' paths fit the 108 bytes of ``sun_path``."""
        directory = tempfile.mkdtemp(prefix="mp-")
        self.addCleanup(shutil.rmtree, directory, True)
        return directory

    def test_unix_nobody(self) -> defer.Deferred[None]:
        """A socket path that is missing: refused, with its errno."""

        async def run() -> None:
            receiver = await self.answer(self.pool(Upstream("unix", "localhost", 0, os.path.join(self.mktemp_short(), "none"))))
            self.assertEqual((receiver.evidence.phase, receiver.evidence.end, receiver.evidence.errno), ("connect", "refused", 2))

        return defer.Deferred.fromCoroutine(run())

    def test_refused(self) -> defer.Deferred[None]:
        """A closed port: refused, errno 111, the address tried."""

        async def run() -> None:
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                pool = self.pool(Upstream("http", "127.0.0.1", closed.getsockname()[1]))
                evidence = (await self.answer(pool)).evidence
            self.assertEqual((evidence.phase, evidence.end, evidence.errno, evidence.resolved), ("connect", "refused", 111, ("127.0.0.1",)))
            self.assertIn("connect", evidence.timings)

        return defer.Deferred.fromCoroutine(run())

    def test_no_such_name(self) -> defer.Deferred[None]:
        """A name that does not resolve: ``dns``."""

        async def run() -> None:
            evidence = (await self.answer(self.pool(Upstream("http", "no-such-name.invalid", 80)))).evidence
            self.assertEqual((evidence.phase, evidence.end, evidence.resolved), ("resolve", "dns", ()))

        return defer.Deferred.fromCoroutine(run())

    def test_closed_and_reset(self) -> defer.Deferred[None]:
        """FIN and RST without an answer, told apart."""

        async def run() -> None:
            pool = self.pool(Upstream("http", "127.0.0.1", self.listen()))
            for path, end in ((b"/close", "eof"), (b"/reset", "reset")):
                evidence = (await self.answer(pool, HEAD.replace(b"/x", path))).evidence
                self.assertEqual((evidence.phase, evidence.end, evidence.received_bytes), ("head", end, 0))

        return defer.Deferred.fromCoroutine(run())

    def test_tunnel(self) -> defer.Deferred[None]:
        """A tunnel over real sockets, half-closed by us, closed by the service."""

        async def run() -> None:
            pool = self.pool(Upstream("http", "127.0.0.1", self.listen()))
            head = HEAD.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n")
            receiver = await self.answer(pool, head, until=("tunnel_opened",), websocket_key=KEY)
            closed: defer.Deferred[None] = defer.Deferred()
            receiver.on["tunnel_closed"] = lambda _: closed.callback(None)
            receiver.exchange.write_tunnel(b"ping")
            receiver.exchange.finish_tunnel()
            await closed
            self.assertEqual((receiver.tunnelled, receiver.calls[-1], pool.tunnels), (b"ping", ("tunnel_closed", True), 0))

        return defer.Deferred.fromCoroutine(run())


def _turn() -> defer.Deferred[None]:
    turn: defer.Deferred[None] = defer.Deferred()
    reactor.callLater(0, turn.callback, None)  # type: ignore[attr-defined]
    return turn
