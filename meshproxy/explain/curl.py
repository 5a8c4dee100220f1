"""How would ``curl`` send the same? For a shell inside the pod, without meshproxy in between.

The rule: what lets somebody in becomes a shell variable to be filled in; everything else is quoted so that a shell changes no byte of it.
"""

from __future__ import annotations

import shlex

from ..core.redaction import redact_value
from ..settings import ServiceSettings
from .tracing import outgoing_fields

_ITS_OWN = (b"User-Agent", b"Accept")  # what curl adds unless it is told otherwise


def equivalent(service: ServiceSettings, head: bytes) -> str:
    """The command, one line; "" for the sample application, whose socket is the running meshproxy's alone."""
    upstream = service.upstream
    if upstream.scheme == "sample":
        return ""
    line, _, rest = head.partition(b"\r\n")
    method, _, target = line.removesuffix(b" HTTP/1.1").partition(b" ")
    host = rest.partition(b"\r\n")[0].partition(b": ")[2].decode("latin-1")
    words = ["curl", "--http1.1", "--include", "--no-buffer", "--path-as-is", "--globoff", "--max-time 60"]
    if method == b"HEAD":
        words.append("--head")
    elif method != b"GET":
        words.append(f"--request {shlex.quote(method.decode('latin-1'))}")
    words.append(f"--header {shlex.quote('Host: ' + host)}")
    fields = outgoing_fields(head)
    words += [_header(name, value) for name, value in fields]
    present = {name.lower() for name, _ in fields}
    words += [f"--header '{name.decode()}:'" for name in _ITS_OWN if name.lower() not in present]
    words += _way(service)
    scheme = "https" if upstream.scheme == "https" else "http"
    where = _reached(service)
    return " ".join((*words, shlex.quote(f"{scheme}://{where}{target.decode('latin-1')}")))


def _header(name: bytes, value: bytes) -> str:
    if redact_value(name, value) != value:
        text = name.decode("latin-1")
        variable = "".join(one if one.isalnum() else "_" for one in text.upper())
        start = "Bearer " if value.startswith(b"Bearer ") else "Basic " if value.startswith(b"Basic ") else ""
        return f'--header "{text}: {start}${variable}"'
    return f"--header {shlex.quote((name + b': ' + value).decode('utf-8', 'surrogateescape'))}"


def _way(service: ServiceSettings) -> list[str]:
    """How to get there: a socket, a certificate, another name in the handshake."""
    upstream, tls = service.upstream, service.tls
    if upstream.scheme == "unix":
        return [f"--unix-socket {shlex.quote(upstream.path)}"]
    words = []
    if upstream.scheme == "https" and tls is not None:
        if tls.server_name:
            words.append(f"--connect-to {shlex.quote(f'{tls.server_name}:{upstream.port}:{upstream.host}:{upstream.port}')}")
        for option, path in (("--cacert", tls.ca_file), ("--cert", tls.cert_file), ("--key", tls.key_file)):
            if path is not None:
                words.append(f"{option} {shlex.quote(str(path))}")
        if not tls.verify or tls.spiffe_id:  # curl knows no SPIFFE ids: it could only refuse
            words.append("--insecure")
    return words


def _reached(service: ServiceSettings) -> str:
    upstream = service.upstream
    if upstream.scheme == "unix":
        return "localhost"
    name = (service.tls.server_name if service.tls is not None else None) or upstream.host
    return f"{name}:{upstream.port}"
