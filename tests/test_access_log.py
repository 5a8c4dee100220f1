import json
import select

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial import unittest

from meshproxy.core.principal import Principal
from meshproxy.observe.access_log import AccessLog, path_of

from .support.exchanges import exchange


class AccessLogTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_790_000_000)
        self.written: list[bytes] = []

    def log(self, mode: str = "json") -> AccessLog:
        return AccessLog(self.written.append, mode, self.clock)  # type: ignore[arg-type]

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in b"".join(self.written).splitlines()]

    def test_json_line(self) -> None:
        """A JSON line says who asked for what, what became of it, and that it is the access log's."""
        log = self.log()
        log.record(exchange(body_in_bytes=3))
        log.flush()
        self.assertEqual(
            [{
                "log": "access", "time": "2026-09-21T14:13:20.250Z", "request_id": "5f00000001", "client": "10.0.0.7", "method": "GET",
                "authority": "apps.example.com", "path": "/grafana/d/1", "status": 200, "service": "grafana",
                "upstream_authority": "grafana.monitoring.svc.cluster.local:3000",
                "principal": {"issuer": "https://idp.example", "subject": "alice-1", "email": "alice@example.com", "provider": "corp"},
                "answered_by": "service", "cause": "ok", "event": "request.forwarded", "reason": "group devs", "duration_ms": 12.5,
                "bytes_in": 3, "bytes_out": 98,
            }],
            self.lines(),
        )

    def test_text_line(self) -> None:
        """A text line has the same in one order, and a dash where there is nothing."""
        log = self.log("text")
        log.record(exchange())
        log.record(exchange(principal=None, service="", upstream_authority="", cause="", answered_by="meshproxy", status=421, reason=""))
        log.flush()
        self.assertEqual(
            [
                b'2026-09-21T14:13:20.250Z 10.0.0.7 "GET apps.example.com /grafana/d/1" 200 98 12.5ms '
                b'grafana>grafana.monitoring.svc.cluster.local:3000 "alice@example.com" service/ok 5f00000001 "group devs"',
                b'2026-09-21T14:13:20.250Z 10.0.0.7 "GET apps.example.com /grafana/d/1" 421 98 12.5ms ->- - meshproxy/- 5f00000001 ""',
            ],
            b"".join(self.written).splitlines(),
        )

    def test_no_secret(self) -> None:
        """Neither query nor fields nor claims stand in a line, in either form."""
        for mode in ("json", "text"):
            log = self.log(mode)
            log.record(exchange())
            log.flush()
        self.assertNotIn(b"s3cret", b"".join(self.written))
        self.assertNotIn(b"claim", b"".join(self.written))

    def test_what_a_stranger_sends_stays_one_line(self) -> None:
        """Quotes, newlines, control and non-ASCII bytes anywhere leave one valid JSON object, or one text line without raw controls."""
        hostile = b'/a"b\\c\r\n\x00\x1b[31m\xff\xc3\xa9'
        text = 'x"\\\r\n\x00\x1b\u2028é\udcff'
        record = exchange(
            target=hostile, method=b'G"\n', request_id=b'id"\n', reason=text, authority=text, client=text, service=text,
            upstream_authority=text, principal=Principal(text, text, email=text, provider=text),
        )
        log = self.log()
        log.record(record)
        log.flush()
        (line,) = self.lines()
        self.assertEqual((text, text), (line["reason"], line["principal"]["subject"]))
        self.assertEqual('/a"b\\c\r\n\x00\x1b[31m\\xffé', line["path"])
        self.written.clear()
        log = self.log("text")
        log.record(record)
        log.flush()
        written = b"".join(self.written)
        self.assertEqual(1, written.count(b"\n"))
        self.assertTrue(written[:-1].decode("ascii").isprintable())

    def test_long_path_is_cut(self) -> None:
        """A path of 16 KiB does not make a line of 16 KiB."""
        log = self.log()
        log.record(exchange(target=b"/" + b"a" * 16384))
        log.flush()
        self.assertEqual(2048, len(self.lines()[0]["path"]))

    def test_batches_by_time(self) -> None:
        """Lines are written together, a tenth of a second after the first."""
        log = self.log()
        for _ in range(3):
            log.record(exchange())
        self.clock.advance(0.09)
        self.assertEqual([], self.written)
        self.clock.advance(0.01)
        self.assertEqual((1, 3), (len(self.written), len(self.lines())))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_batches_by_size(self) -> None:
        """64 KiB are written at once, whatever the time; each piece is whole lines that a pipe takes atomically."""
        log = self.log()
        while not self.written:
            log.record(exchange())
        self.assertGreater(sum(map(len, self.written)), 65000)
        self.assertLess(sum(map(len, self.written)), 70000)
        for piece in self.written:
            self.assertTrue(piece.endswith(b"\n"))
            self.assertLessEqual(len(piece), select.PIPE_BUF)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stop_writes_the_rest(self) -> None:
        """At the stop nothing is kept back, and a line that comes after it is written at once."""
        log = self.log()
        log.record(exchange())
        log.stop()
        self.assertEqual(1, len(self.lines()))
        log.record(exchange())
        self.assertEqual(2, len(self.lines()))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_writer_that_fails(self) -> None:
        """Lines that cannot be written are counted, said once a minute, and nobody hears an exception."""
        def refuse(line: bytes) -> None:
            raise BrokenPipeError("nobody reads")

        log = AccessLog(refuse, "json", self.clock)
        said: list[dict] = []
        log.log = Logger(observer=said.append)
        for _ in range(5):
            log.record(exchange())
            log.flush()
        self.assertEqual((5, 5, 1), (log.dropped, log.lines, len(said)))
        self.clock.advance(60)
        log.record(exchange())
        log.flush()
        self.assertEqual([1, 6], [event["dropped"] for event in said])

    def test_a_writer_that_gives_up_later(self) -> None:
        """A batch that waited and was then lost is counted by its lines."""
        waiting: list[Deferred[None]] = []

        def wait(line: bytes) -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        log = AccessLog(wait, "json", self.clock)
        log.record(exchange())
        log.record(exchange())
        log.flush()
        self.assertEqual(0, log.dropped)
        waiting[0].errback(BrokenPipeError("nobody reads"))
        self.assertEqual(2, log.dropped)


class PathTests(unittest.SynchronousTestCase):
    def test_path_of(self) -> None:
        """A target's path is said without query, and without an authority that may hold a password."""
        for target, path in (
            (b"/a/b?c=d", b"/a/b"), (b"/", b"/"), (b"*", b"*"), (b"/x?y?z", b"/x"), (b"http://u:p@h/x?y", b"/x"), (b"http://h", b"/"),
            (b"/a://b/c", b"/a://b/c"),
        ):
            self.assertEqual(path, path_of(target))
