"""Which protocol lives on that port?"""

from __future__ import annotations

from meshproxy.core.diagnosis import TlsSeen

from .support.diagnosing import CauseTests, failed, situation, verdict

BANNERS = {
    b"-ERR unknown command 'GET'\r\n": "Redis", b"-NOAUTH Authentication required.\r\n": "Redis", b"SSH-2.0-dropbear_2022.83\r\n": "SSH",
    b"J\x00\x00\x00\x0a8.4.2\x00\x08": "MySQL", b"E\x00\x00\x00\x8cSFATAL\x00": "PostgreSQL", b"220 mx1 ESMTP Postfix\r\n": "SMTP",
    b"220 ProFTPD\r\n": "FTP", b"* OK IMAP4rev1 ready\r\n": "IMAP", b"+OK POP3 ready\r\n": "POP3", b"AMQP\x00\x00\x09\x01": "AMQP",
    b"INFO {\"server_id\":1}\r\n": "NATS", b"ERROR\r\nERROR\r\n": "memcached", b"RFB 003.008\n": "VNC", b"RTSP/1.0 400 Bad\r\n": "RTSP",
    b"ICY 200 OK\r\n": "ICY",
}


class NotHttpTests(CauseTests):
    """Which protocol lives on that port?"""

    def test_known_banners(self) -> None:
        """A banner names the protocol, in the evidence and in the first hint."""
        for banner, protocol in BANNERS.items():
            found = self.proven("not_http", "nobody", verdict(failed("head", "invalid", banner[:40])))
            self.advises(found, protocol, "8080", "HTTP")
            self.assertIn(protocol, found.because[0])

    def test_unknown_bytes_are_quoted(self) -> None:
        """What nobody knows is quoted, escaped, and not beyond forty bytes."""
        found = self.proven("not_http", "nobody", verdict(failed("head", "invalid", b"\x00\x01\xffhello")))
        self.assertIn(r"'\x00\x01\xffhello'", found.because[0])
        self.assertNotIn("X" * 41, verdict(failed("head", "invalid", b"X" * 60)).because[0])

    def test_a_banner_and_the_end(self) -> None:
        """Whether the connection ends, is reset or stays silent after it makes no difference."""
        for end in ("eof", "reset", "timeout"):
            self.proven("not_http", "nobody", verdict(failed("head", end, b"\x04\x05oracle")))

    def test_behind_https(self) -> None:
        """A banner in place of a handshake: then neither http:// nor https:// will do."""
        evidence = failed("tls", "tls", error="wrong version number", tls_reasons=("wrong version number",))
        found = verdict(evidence, situation("https"), TlsSeen("plain", spoke=b"SSH-2.0-OpenSSH_9.9\r\n"))
        self.advises(self.proven("not_http", "nobody", found), "SSH")

    def test_http_that_breaks_its_rules(self) -> None:
        """A response that two readers would read in two ways is no valid one: the advice is about the service."""
        found = self.proven("not_http", "nobody", verdict(failed("head", "invalid", b"HTTP/1.1 200 OK\r\n", error="more than 200 fields")))
        self.advises(found, "more than 200 fields", "curl")

    def test_a_wrong_handshake_is_the_services(self) -> None:
        """A 101 for another key is HTTP, and somebody's answer."""
        self.proven("not_http", "service", verdict(failed("head", "invalid", b"HTTP/1.1 101", error="101 without Upgrade: websocket")))
