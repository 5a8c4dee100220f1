"""What a proxy owes to both sides: every row P1 to P21 of the wire rules, through the whole path, bytes in and bytes out."""

from __future__ import annotations

from typing import Any

from meshproxy.core.policy import RequestSettings

from .support.house import COOKIE, Browser, House
from .support.strict import Message, read_answer, read_request
from .support.wire import ServiceTransport
from .test_channel import OK, ChannelCase
from .test_wire_requests import HOST, get, post

START = b"HTTP/1.1 200 OK\r\n"


class ProxyCase(ChannelCase):
    def asked(self, data: bytes = b"", **more: Any) -> tuple[House, Browser, ServiceTransport]:
        """A request that has reached the service."""
        house = self.house(**more)
        browser = house.browser()
        browser.sends(data or get())
        return house, browser, house.wire.accept()

    def sent(self, data: bytes, **more: Any) -> Message:
        """What the service reads of a request."""
        return read_request(self.asked(data, **more)[2].takes())

    def told(self, answer: bytes, request: bytes = b"") -> Message:
        """What the browser reads of a service's answer."""
        _, browser, service = self.asked(request)
        service.answers(answer)
        return read_answer(browser.takes(), (request or b"GET ").split(b" ", 1)[0], closed=browser.disconnecting)


class FieldTests(ProxyCase):
    def test_hop_by_hop_up(self) -> None:
        """P1: everything of the connection stays behind, and what any ``Connection`` line names."""
        sent = self.sent(get(
            b"Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nconnection: x-other\r\nX-Other: 2\r\nX-Third: 3\r\nKeep-Alive: timeout=5\r\n"
            b"Proxy-Connection: keep-alive\r\nTE: gzip\r\nTrailer: X-T\r\nUpgrade: foo\r\n"))
        names = {name for name, _ in sent.fields}
        self.assertFalse(names & {b"connection", b"x-mine", b"x-other", b"keep-alive", b"proxy-connection", b"te", b"trailer",
            b"upgrade"})
        self.assertEqual(sent.values(b"x-third"), [b"3"])

    def test_nominated(self) -> None:
        """P1: ``Connection`` takes away neither Host nor framing nor credentials, nor who somebody is."""
        sent = self.sent(post(
            b"Connection: Host, Content-Length, Authorization, Cookie, X-User, x_user, X-Forwarded-For, X-Forwarded-Host, X-Request-Id\r\n"
            b"Authorization: Basic YTpi\r\nContent-Length: 2\r\n", b"ok"))
        for name, value in (
            (b"host", b"127.0.0.1"), (b"content-length", b"2"), (b"authorization", b"Basic YTpi"), (b"cookie", b"theirs=1"),
            (b"x-user", b"alice"), (b"x-forwarded-for", b"192.0.2.7"), (b"x-forwarded-host", b"apps.test:8080"),
        ):
            self.assertEqual(sent.values(name), [value])
        self.assertEqual((sent.body, len(sent.values(b"x-request-id"))), (b"ok", 1))

    def test_hop_by_hop_down(self) -> None:
        """P1, the other way; ``Connection`` does not take away what an answer must keep (§0.11)."""
        told = self.told(
            START + b"Connection: X-Mine, Set-Cookie, Cache-Control, Location, Content-Type, Strict-Transport-Security\r\nX-Mine: 1\r\n"
            b"Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nTrailer: X\r\nUpgrade: h2c\r\nSet-Cookie: a=b\r\n"
            b"Cache-Control: no-cache\r\n"
            b"Location: /x\r\nContent-Type: text/css\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n\r\nok")
        names = {name for name, _ in told.fields}
        self.assertFalse(names & {b"x-mine", b"keep-alive", b"proxy-authenticate", b"trailer", b"upgrade", b"connection"})
        self.assertTrue(names >= {b"set-cookie", b"cache-control", b"location", b"content-type", b"strict-transport-security"})

    def test_te(self) -> None:
        """P2: of TE only ``trailers`` goes on, named in Connection."""
        sent = self.sent(get(b"TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n"))
        self.assertEqual((sent.values(b"te"), sent.values(b"connection")), ([b"trailers"], [b"TE"]))

    def test_proxy_authorization(self) -> None:
        """P3: credentials for a proxy are not for the service."""
        self.assertEqual(self.sent(get(b"Proxy-Authorization: Basic YTpi\r\n")).values(b"proxy-authorization"), [])

    def test_max_forwards(self) -> None:
        """P4: Max-Forwards counts down, ends here at 0, and means nothing with other methods; TRACE is not offered."""
        sent = self.sent(get(b"Max-Forwards: 3\r\n", line=b"OPTIONS / HTTP/1.1"))
        self.assertEqual(sent.values(b"max-forwards"), [b"2"])
        self.assertEqual(self.sent(get(b"Max-Forwards: 3\r\n")).values(b"max-forwards"), [b"3"])
        for line, statuses in ((b"OPTIONS / HTTP/1.1", (200, 204)), (b"TRACE / HTTP/1.1", (405,))):
            house = self.house()
            browser = house.browser()
            browser.sends(get(b"Max-Forwards: 0\r\n", line=line))
            self.assertIn(read_answer(browser.takes()).status, statuses)
            self.assertEqual(house.wire.waiting, 0)

    def test_via(self) -> None:
        """P5: ``via = true`` adds ours behind the others, and a request that has it already goes round: 508. Off, it says nothing."""
        on = RequestSettings(via=True)
        self.assertEqual(self.sent(get(b"Via: 1.1 edge\r\n"), request=on).values(b"via"), [b"1.1 edge", b"1.1 meshproxy"])
        self.assertEqual(self.sent(get(), request=on).values(b"via"), [b"1.1 meshproxy"])
        self.assertEqual(self.sent(get()).values(b"via"), [])
        house = self.house(request=on)
        browser = house.browser()
        browser.sends(get(b"Via: 1.1 edge, 1.1 Meshproxy\r\n"))
        self.assertEqual((read_answer(browser.takes()).status, house.wire.waiting), (508, 0))

    def test_untouched(self) -> None:
        """P20: ranges, encodings, and what bodies are in pass as they are; every ``Set-Cookie`` line is its own, but none of ours."""
        asked = (
            b"Range: bytes=0-1\r\nIf-Range: \"x\"\r\nAccept-Encoding: gzip, br;q=0.5\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n"
        )
        sent = self.sent(get(asked))
        for line in asked.splitlines():
            name, _, value = line.partition(b": ")
            self.assertEqual(sent.values(name.lower()), [value])
        told = self.told(
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Encoding: gzip\r\nETag: \"x\"\r\nSet-Cookie: a=1\r\n"
            b"set-cookie: meshproxy=forged\r\nSet-Cookie: b=2\r\nSet-Cookie: __Host-meshproxy=forged\r\nSet-Cookie: a=3\r\n"
            b"Content-Length: 2\r\n\r\n\x1f\x8b")
        self.assertEqual((told.status, told.body, told.values(b"content-encoding")), (206, b"\x1f\x8b", [b"gzip"]))
        self.assertEqual(told.values(b"set-cookie"), [b"a=1", b"b=2", b"a=3"])
        self.assertEqual((told.values(b"content-range"), told.values(b"etag")), ([b"bytes 0-1/9"], [b'"x"']))

    def test_case_and_order(self) -> None:
        """P21: names keep their case and order, values their bytes above 0x7F."""
        _, browser, service = self.asked(get(b"x-B: 1\r\nX-a: \xe4\xff\x80\r\nX-B: 2\r\n"))
        sent = service.takes()
        self.assertIn(b"x-B: 1\r\nX-a: \xe4\xff\x80\r\nX-B: 2\r\n", sent)
        service.answers(START + b"x-C: 1\r\nX-d: \xe4\xff\x80\r\nX-C: 2\r\nContent-Length: 0\r\n\r\n")
        self.assertIn(b"x-C: 1\r\nX-d: \xe4\xff\x80\r\nX-C: 2\r\n", browser.takes())

    def test_location(self) -> None:
        """P19: a redirect is the browser's to follow; it passes, under the public name where it is the service's own."""
        house, browser, service = self.asked()
        service.answers(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/x\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(read_answer(browser.takes()).values(b"location"), [b"http://elsewhere.test/x"])
        self.assertEqual((service.takes().count(b"GET "), house.wire.waiting), (1, 0))
        told = self.told(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(told.values(b"location"), [b"http://apps.test:8080/x"])

    def test_date_and_server(self) -> None:
        """P18: Date and Server are added where they are missing, and never doubled."""
        told = self.told(OK)
        self.assertEqual((len(told.values(b"date")), told.values(b"server")), (1, [b"meshproxy"]))
        told = self.told(START + b"DATE: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((told.values(b"date"), told.values(b"server")), ([b"Thu, 01 Jan 1970 00:00:00 GMT"], [b"nginx"]))


class BodilessTests(ProxyCase):
    def test_never_a_body(self) -> None:
        """P7: HEAD, 204 and 304 have no body for the browser, whatever the service sends; that connection is not used again."""
        for start, line, length in (
            (b"HTTP/1.1 204 No Content\r\n", b"GET", []), (b"HTTP/1.1 304 Not Modified\r\n", b"GET", [b"5"]), (START, b"HEAD", [b"5"]),
        ):
            house, browser, service = self.asked(get(line=line + b" / HTTP/1.1"))
            service.answers(start + b"Content-Length: 5\r\n\r\nhello")
            told = read_answer(browser.takes(), line)
            self.assertEqual((told.body, told.rest, told.values(b"content-length")), (b"", b"", length), start)
            house.wire.reactor.advance(0)
            self.assertEqual((service.disconnecting, house.wire.pool.idle), (True, 0), start)

    def test_surplus_later(self) -> None:
        """P11: bytes behind an answer, with it or later, are nobody's: they are dropped, and so is the connection."""
        for late in (False, True):
            house, browser, service = self.asked()
            surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
            service.answers(*((OK, surplus) if late else (OK + surplus,)))
            self.assertEqual(read_answer(browser.takes()).body, b"ok")
            house.wire.reactor.advance(0)
            self.assertEqual((service.disconnecting, house.wire.pool.surplus_total), (True, 1))
            browser.sends(get(line=b"GET /next HTTP/1.1"))
            fresh = house.wire.accept()
            fresh.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
            self.assertEqual(read_answer(browser.takes()).body, b"mine")


class BadAnswerTests(ProxyCase):
    HEADS = (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 5, 6\r\n", b"Content-Length: +5\r\n", b"Content-Length: 5x\r\n",
        b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"X-A : 1\r\n", b"X-A: 1\0\r\n", b"X-A: 1\r2\r\n", b"X-A: 1\r\n folded\r\n", b": x\r\n", b"no colon\r\n",
        b"X" * 70_000 + b": y\r\n",
        b"X: y\r\n" * 300,
    )

    def test_bad_heads(self) -> None:
        """P8: a head that could be read in two ways is 502 and nothing of it comes down; the next request gets its own answer."""
        starts = (
            b"HTTP/1.1 99 Low\r\n", b"HTTP/1.1 1000 High\r\n", b"HTTP/1.1 +200 OK\r\n", b"HTTP/3.7 200 OK\r\n", b"200 OK\r\n",
            b"SSH-2.0-x\r\n", b"HTTP/1.1 200 O\0K\r\n",
        )
        for head in (*(START + line for line in self.HEADS), *starts):
            house, browser, service = self.asked()
            service.answers(head + b"\r\n5\r\nhello\r\n0\r\n\r\n")
            told = read_answer(browser.takes())
            self.assertEqual((told.status, told.values(b"x-meshproxy-source")), (502, [b"meshproxy"]), head[:80])
            self.assertNotIn(b"hello", told.body)
            self.assertTrue(service.disconnected, head[:80])
            self.assertEqual(house.records[0].event, "request.failed")
            browser.sends(get(line=b"GET /next HTTP/1.1"))
            house.wire.accept().answers(OK)
            self.assertEqual(read_answer(browser.takes()).body, b"ok")

    def test_bad_chunks(self) -> None:
        """P8: a chunked body that goes wrong on its way is cut (P9): what came is not made to look whole."""
        for bad in (b"x\r\n", b"5\r\nhelloXX", b"5;a\nb\r\nhello\r\n", b"fffffffffffffffff\r\n", b"0\r\nno colon\r\n\r\n",
            b"2\nok\n0\n\n"):
            house, browser, service = self.asked()
            service.answers(START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", bad)
            told = read_answer(browser.takes())
            self.assertFalse(told.whole, bad)
            self.assertTrue(browser.disconnecting and service.disconnected, bad)
            self.assertEqual(house.records[0].event, "request.failed")

    def test_cut(self) -> None:
        """P9: a body that is cut is cut for the browser: no last chunk, fewer bytes than promised, and the end."""
        for framing, body in ((b"Transfer-Encoding: chunked", b"2\r\nok\r\n"), (b"Content-Length: 9", b"ok")):
            for clean in (True, False):
                _, browser, service = self.asked()
                service.answers(START + framing + b"\r\n\r\n" + body)
                service.lost(clean)
                told = read_answer(browser.takes())
                self.assertEqual((told.body, told.whole, browser.disconnecting), (b"ok", False, True))

    def test_no_answer(self) -> None:
        """P10: a service that closes without a byte is 502; a GET on a connection that had been used is sent once more."""
        house, browser, service = self.asked()
        service.lost()
        self.assertEqual(read_answer(browser.takes()).status, 502)
        for request, again in ((get(), True), (post(b"Content-Length: 2\r\n", b"ok"), False)):
            house, browser, service = self.asked()
            service.answers(OK)
            browser.takes()
            browser.sends(request)
            service.lost()
            self.assertEqual(house.wire.waiting, int(again))
            if again:
                second = house.wire.accept()
                second.lost()
            self.assertEqual((read_answer(browser.takes()).status, house.wire.waiting), (502, 0))

    def test_interim(self) -> None:
        """P6: 103 and others pass, 100 of the service does not; more than 20 are 502, and an HTTP/1.0 client sees none."""
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        for version, seen in ((b"1.1", 1), (b"1.0", 0)):
            _, browser, service = self.asked(get(line=b"GET / HTTP/" + version))
            service.answers(b"HTTP/1.1 100 Continue\r\n\r\n" + hints + OK)
            answer = browser.takes()
            self.assertEqual((answer.count(b" 103 "), answer.count(b" 100 "), answer.count(b" 200 ")), (seen, 0, 1))
        _, browser, service = self.asked()
        service.answers(hints * 21 + OK)
        self.assertEqual(read_answer(browser.takes()).status, 502)

    def test_lenient_answers(self) -> None:
        """§4.2: an answer whose lines end in LF is borne, and goes on with CRLF."""
        told = self.told(b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nok")
        self.assertEqual((told.status, told.body, told.values(b"x-a")), (200, b"ok", [b"1"]))


class FramingTests(ProxyCase):
    def test_http10_client(self) -> None:
        """P15: an HTTP/1.0 client gets a length, or the end of the connection; never chunks."""
        for fields, answer, stays in (
            (b"", OK, False), (b"Connection: keep-alive\r\n", OK, True),
            (b"Connection: keep-alive\r\n", START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
        ):
            _, browser, service = self.asked(get(fields, line=b"GET / HTTP/1.0"))
            sent = service.takes()
            self.assertTrue(sent.startswith(b"GET / HTTP/1.1\r\n"))
            service.answers(answer)
            came = browser.takes()
            self.assertNotIn(b"chunked", came)
            self.assertTrue(came.endswith(b"\r\n\r\nok"))
            self.assertEqual(browser.disconnecting, not stays)
            self.assertIn(b"\r\nConnection: keep-alive\r\n" if stays else b"\r\nConnection: close\r\n", came)

    def test_ends_with_the_connection(self) -> None:
        """A body that the service ends by closing is whole for the browser: chunked for HTTP/1.1."""
        _, browser, service = self.asked()
        service.answers(START + b"\r\nall of it")
        service.fin()
        told = read_answer(browser.takes())
        self.assertEqual((told.body, told.whole, browser.disconnecting), (b"all of it", True, False))

    def test_early_answer(self) -> None:
        """P12: an answer during the upload is passed on at once; the rest of the body is not waited for."""
        for status in (b"413 Content Too Large", b"401 Unauthorized"):
            _, browser, service = self.asked(post(b"Content-Length: 1000000\r\n", b"x" * 1000))
            service.answers(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno")
            told = read_answer(browser.takes(), b"POST")
            self.assertEqual((told.body, told.values(b"connection")), (b"no", [b"close"]))
            self.assertTrue(browser.half_closed and service.disconnected)

    def test_half_close(self) -> None:
        """P13: an answer within 5 s of the client's FIN is delivered; then the request to the service is cancelled."""
        for seconds, delivered in ((4.0, True), (6.0, False)):
            house, browser, service = self.asked()
            browser.fin()
            house.wire.advance(seconds)
            self.assertEqual(service.disconnected, not delivered)
            if delivered:
                service.answers(OK)
                self.assertEqual(read_answer(browser.takes()).body, b"ok")

    def test_client_gone(self) -> None:
        """P14: with the client goes its request to the service, at once; that connection is never used again."""
        for body in (b"", START + b"Content-Length: 9\r\n\r\nok"):
            house, browser, service = self.asked()
            if body:
                service.answers(body)
            browser.lost(clean=False)
            self.assertTrue(service.disconnected)
            house.wire.reactor.advance(0)
            self.assertEqual((house.wire.pool.idle, house.wire.pool.active, house.wire.pool.connections), (0, 0, 0))

    def test_misdirected(self) -> None:
        """P16: under TLS a Host that the certificate of this connection is not for is 421, and nothing goes up."""
        house = self.house()
        house.gateway.tls = _Certificate()  # type: ignore[assignment]
        for host, status in ((b"other.test", 421), (b"apps.test:8080", 0)):
            browser = house.browser()
            browser.getPeerCertificate = lambda: None  # type: ignore[attr-defined]
            (channel,) = house.gateway.channels
            channel.scheme = "https"
            browser.sends(get(host=b"Host: %b\r\n" % host))
            answer = browser.takes()
            self.assertEqual((read_answer(answer).status if answer else 0, house.wire.waiting), (status, int(not status)))
            browser.lost()
        house.reactor.advance(0)


class _Certificate:
    def covers(self, host: str) -> bool:
        return host == "apps.test"


class NotOursTests(ProxyCase):
    def test_their_request_id(self) -> None:
        """Nobody speaks in our name: an answer's ``X-Request-Id`` and ``X-Meshproxy-Source`` are ours."""
        told = self.told(
            START + b"X-Request-Id: forged\r\nx-meshproxy-source: meshproxy\r\nX_Request_Id: forged\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(told.values(b"x-meshproxy-source"), [])
        self.assertEqual([len(value) for value in told.values(b"x-request-id")], [20])
        self.assertNotIn(b"forged", b"".join(value for _, value in told.fields))

    def test_made_up(self) -> None:
        """§0.1: what a browser makes up about identity, proxies and Host never arrives, however it is spelled."""
        for name in (
            b"X-Forwarded-For", b"x_forwarded_host", b"X.Forwarded.Proto", b"Forwarded", b"X-Real-IP", b"X-Original-URL", b"X-Rewrite-URL",
            b"X-Remote-User", b"Remote-User", b"REMOTE_USER", b"X-WEBAUTH-USER", b"Impersonate-Group", b"X-Auth-Request-Email",
            b"X-Envoy-Original-Path", b"X-Istio-X", b"X-Forwarded-Client-Cert", b"X-Script-Name", b"Proxy", b"X_User", b"x.user", b"X-USER",
        ):
            house = self.house()
            browser = house.browser()
            browser.sends(b"GET / HTTP/1.1\r\n" + HOST + COOKIE + name + b": forged\r\n\r\n")
            self.assertNotIn(b"forged", house.wire.accept().takes(), name)

    def test_tracing(self) -> None:
        """§0.4: tracing fields pass."""
        names = (
            b"traceparent", b"tracestate", b"b3", b"x-b3-traceid", b"x-ot-span-context", b"x-datadog-trace-id",
            b"x-cloud-trace-context", b"grpc-trace-bin", b"sw8",
        )
        sent = self.sent(get(b"".join(b"%b: 1\r\n" % name for name in names)))
        self.assertEqual([sent.values(name) for name in names], [[b"1"]] * len(names))
