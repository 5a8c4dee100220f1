"""Where does meshproxy listen? ``listen``, ``admin_listen`` and ``[tls]``, judged together.

The rule: two listeners never want one socket, and the admin listener is never public.
"""

from __future__ import annotations

from pathlib import Path

from ..settings import ListenCertificate, ListenTls
from .certificates import check_ca, check_pair
from .drafts import Draft
from .intake import Intake
from .listeners import Listener, parse_listener
from .main_model import MainFile


def listeners(intake: Intake, main: Draft[MainFile]) -> tuple[str, ...]:
    """The endpoint strings, sockets' paths absolute; complains about two on one socket and about ``tls:`` without ``[tls]``."""
    said = main.said
    parsed = [parse_listener(text) for text in said.listen]
    if not main.flawed("listen"):
        for number, one in enumerate(parsed):
            if any(one.clashes_with(other) for other in parsed[:number]):
                intake.complain(main.file, "listen", f"'{one.text}' wants a socket that another listener has")
        if said.admin_listen and not main.flawed("admin_listen"):
            admin = parse_listener(said.admin_listen)
            if any(admin.clashes_with(other) for other in parsed):
                intake.complain(main.file, "admin_listen", f"'{admin.text}' is a public listener: /metrics is not for everybody")
            if admin.kind == "tls":
                intake.complain(main.file, "admin_listen", "tls: is for listen alone")
    uses_tls = any(one.kind == "tls" for one in parsed)
    if uses_tls and not main.flawed("tls") and (said.tls is None or said.tls.cert_file is None):
        intake.complain(main.file, "tls.cert_file", "required, and missing: listen has a tls: listener")
    if said.tls is not None and not uses_tls and not main.flawed("listen"):
        intake.warn(main.file, "tls", "nothing uses it: no listener is called tls:PORT")
    return tuple(_absolute(intake, one) for one in parsed)


def _absolute(intake: Intake, listener: Listener) -> str:
    if listener.kind != "unix" or Path(listener.place).is_absolute():
        return listener.text
    path = str(intake.path(listener.place)).replace("\\", "\\\\").replace(":", "\\:")
    return ":".join(["unix", path, *(f"{name}={value}" for name, value in listener.options.items())])


def admin_listener(intake: Intake, main: Draft[MainFile]) -> str:
    """The endpoint string of the admin listener, "" for none."""
    return _absolute(intake, parse_listener(main.said.admin_listen)) if main.said.admin_listen else ""


def listen_tls(intake: Intake, main: Draft[MainFile]) -> ListenTls | None:
    """TLS towards browsers, every file read once."""
    said, file = main.said.tls, main.file
    if said is None or main.flawed("tls.cert_file") or main.flawed("tls.key_file"):
        return None
    pairs = [("tls", said.cert_file, said.key_file), *((f"tls.more.{n}", m.cert_file, m.key_file) for n, m in enumerate(said.more))]
    certificates = []
    for table, cert_file, key_file in pairs:
        if main.flawed(table) and table != "tls":
            continue
        if cert_file and key_file:
            certificates.append(ListenCertificate(*check_pair(intake, file, table, cert_file, key_file)))
        elif cert_file or key_file:
            missing = "key_file" if cert_file else "cert_file"
            intake.complain(file, f"{table}.{missing}", "required, and missing: a certificate and its key come together")
    client_ca_file = check_ca(intake, file, "tls.client_ca_file", said.client_ca_file) if said.client_ca_file else None
    client_cert = said.client_cert or ("required" if client_ca_file else "none")
    if client_cert != "none" and client_ca_file is None and not main.flawed("tls.client_ca_file"):
        intake.complain(file, "tls.client_cert", f"'{client_cert}' needs client_ca_file: whose certificates are good?")
    return ListenTls(tuple(certificates), client_ca_file, client_cert)
