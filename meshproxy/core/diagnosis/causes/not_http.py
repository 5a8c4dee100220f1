"""``not_http``: the bytes that came are no HTTP/1.1 response."""

from __future__ import annotations

import re

from .. import to_paste
from ..fit import TOLD, Fit, proves
from ..groups import is_http2
from ..reading import Reading, quote

CAUSE = "not_http"
MEANING = "the port speaks another protocol than HTTP"

_BANNERS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("SSH", re.compile(rb"SSH-\d")),
    ("Redis", re.compile(rb"-(?:ERR|NOAUTH|DENIED|WRONGPASS|MISCONF) ")),
    ("MySQL or MariaDB", re.compile(rb".{3}\x00(?:\x0a[\w.]|\xff)", re.DOTALL)),
    ("PostgreSQL", re.compile(rb"E\x00.{3}S(?:FATAL|ERROR)|EFATAL", re.DOTALL)),
    ("SMTP", re.compile(rb"220[ -][^\r\n]*(?:SMTP|[Mm]ail|Postfix)")),
    ("FTP", re.compile(rb"220[ -]")),
    ("IMAP", re.compile(rb"\* OK ")),
    ("POP3", re.compile(rb"\+OK ")),
    ("AMQP (RabbitMQ)", re.compile(rb"AMQP")),
    ("NATS", re.compile(rb"INFO \{")),
    ("memcached", re.compile(rb"(?:CLIENT_)?ERROR\b")),
    ("VNC", re.compile(rb"RFB \d{3}")),
    ("RTSP", re.compile(rb"RTSP/\d")),
    ("SIP", re.compile(rb"SIP/\d")),
    ("ICY (audio streaming)", re.compile(rb"ICY \d")),
    ("LDAP", re.compile(rb"0[\x00-\x7f\x81-\x84].{0,4}\x02\x01", re.DOTALL)),
    ("Elasticsearch's transport", re.compile(rb"This is not a HTTP port|This is not an HTTP port")),
)


def judge(seen: Reading) -> Fit | None:
    """Bytes that are neither HTTP/1.1 nor TLS nor HTTP/2."""
    evidence = seen.evidence
    spoken = protocol_of(seen.tls.spoke) if seen.tls is not None and evidence.phase == "tls" else ""
    if spoken:
        return proves(f"to a TLS ClientHello it answered {quote(seen.tls.spoke)}, which looks like {spoken}", TOLD + 30)  # type: ignore[union-attr]
    invalid = evidence.end == "invalid"
    odd = evidence.phase in ("send", "head") and evidence.end in ("eof", "reset", "timeout") and evidence.received_bytes
    if not invalid and not (odd and evidence.first_bytes[:5] != b"HTTP/"[: len(evidence.first_bytes)]):
        return None
    if evidence.first_bytes[:1] in (b"\x15", b"\x16") or is_http2(evidence.first_bytes):
        return None
    protocol = protocol_of(evidence.first_bytes)
    name = f", which looks like {protocol}" if protocol else f": {evidence.error}" if evidence.error else ""
    return proves(f"it answered {seen.quoted}{name}", TOLD + 10)


def protocol_of(first: bytes) -> str:
    """The protocol that greets with these bytes; "" when it is none that is known here."""
    return next((name for name, banner in _BANNERS if banner.match(first)), "")


def hints(seen: Reading) -> tuple[str, ...]:
    """The port is another protocol's."""
    about = seen.about
    protocol = protocol_of(seen.evidence.first_bytes) or protocol_of(seen.tls.spoke if seen.tls is not None else b"")
    port = about.upstream.port
    if seen.answered_by == "service":
        return (f"The service answers the WebSocket handshake wrongly ({seen.evidence.error}): does something between us repeat answers?",)
    if seen.evidence.first_bytes.startswith(b"HTTP/"):
        return (
            f"The service's answer breaks HTTP's rules ({seen.evidence.error}): what does it send? "
            f"curl -sv --raw http://{about.upstream.authority}/ -o /dev/null", f"Its log: {to_paste.logs(about)}",
        )
    return (
        f"Port {port} speaks {protocol or 'another protocol'}, not HTTP: which port is the service's HTTP? {to_paste.service(about)}",
        f"Is upstream in services/{about.service}.toml the right service?",
    )
