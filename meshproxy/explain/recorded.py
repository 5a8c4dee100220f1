"""What happened to a request that has been served? Its record, from the inspector, in the form of an explanation.

The rule: what is told is what was recorded, secrets already gone; who keeps and drops a field is said by the service's own table, as it
stands now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ..core.disposition import Dispositions, FieldTrace
from ..core.principal import Principal
from ..settings import ServiceSettings, Settings
from .explanation import Explanation, UpstreamRequest
from .telling import server_name

_VERDICTS: Mapping[str, Literal["forward", "challenge", "refuse"]] = {"request.challenged": "challenge", "request.refused": "refuse"}


def recorded(settings: Settings, record: Mapping[str, Any]) -> Explanation:
    """The explanation of a record as :meth:`meshproxy.observe.inspector.Record.as_dict` gives it."""
    service = next((one for one in settings.services if one.name == record["service"]), None)
    outgoing = record["outgoing"]
    verdict = _VERDICTS.get(record["event"], "forward" if outgoing else "refuse")
    return Explanation(
        url=f"{record['authority']}{record['target']}",
        method=record["method"],
        verdict=verdict,
        status=None if verdict == "forward" else record["status"],
        reason=record["reason"],
        service=record["service"] or None,
        route=None if service is None else (service.route.host, service.route.path),
        principal=_principal(record["principal"]),
        upstream=None if outgoing is None else _upstream(service, outgoing),
        upstream_url="" if service is None else service.upstream.url,
        fields=tuple(_fields(service, record)) if outgoing is not None else (),
        answer=(record["status"], ()) if verdict == "forward" and record["status"] else None,
        diagnosis=_diagnosis(record),
        notes=(f"recorded at {record['time']}, from {record['client']}: {record['duration_ms']} ms, "
               f"{record['upstream_ms']} ms of it until the service's head",),
        request_id=record["request_id"],
    )


def _principal(told: Mapping[str, Any] | None) -> Principal | None:
    if told is None:
        return None
    return Principal(told["issuer"], told["subject"], told["email"], groups=tuple(told["groups"]), provider=told["provider"],
                     email_verified=True)


def _upstream(service: ServiceSettings | None, outgoing: Mapping[str, Any]) -> UpstreamRequest:
    lines = [f"Host: {outgoing['host']}", *(f"{one['name']}: {one['value']}" for one in outgoing["fields"])]
    head = "\r\n".join((outgoing["request_line"], *lines, "", ""))
    return UpstreamRequest(outgoing["request_line"], outgoing["host"], None if service is None else server_name(service), head)


def _fields(service: ServiceSettings | None, record: Mapping[str, Any]) -> Iterator[FieldTrace]:
    """First what did not pass, then what went up, in its order."""
    table = None if service is None else Dispositions(service.request, frozenset(), frozenset())
    for one in record["incoming"]:
        name = one["name"]
        if not one["kept"] and name.lower() not in ("host", "connection", "content-length", "transfer-encoding"):
            found = table.of(name.encode()) if table is not None else None
            known = found is not None and found.by != "browser"
            by, why = (found.by, found.why) if found is not None and known else ("meshproxy", "it did not go on as it came")
            yield FieldTrace(name, "drop", one["value"], by, why)
    for one in record["outgoing"]["fields"]:
        if one["came"]:
            yield FieldTrace(one["name"], "keep", one["value"], "browser", "end-to-end")
        else:
            yield FieldTrace(one["name"], "set", one["value"], "meshproxy or a rewriter", "it did not come like this")


def _diagnosis(record: Mapping[str, Any]) -> dict[str, Any] | None:
    found = record["diagnosis"]
    return None if found is None else {"status": record["upstream_status"], **found, "probes": []}
