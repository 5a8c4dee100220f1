"""What is to be said about how a request went? The outcome of a rehearsal, in the words of an explanation.

The rule: nothing is told that did not happen: the request line, Host and fields are read out of the very head that goes upstream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from ..core.access import Denied, is_operator, judge, steps
from ..core.disposition import FieldTrace
from ..core.evidence import Evidence
from ..core.principal import Principal
from ..core.redaction import redact_fields, redact_head, redact_target
from ..core.routing import Loser, RouteTable
from ..settings import ServiceSettings, Settings
from .curl import equivalent
from .explanation import Explanation, UpstreamRequest
from .question import Question
from .rehearsal import Outcome
from .tracing import Trace, as_sent, with_rewriters


def tell(
    settings: Settings, routes: RouteTable, question: Question, outcome: Outcome, trace: Trace, asker: Principal | None,
    diagnosing: Any = None,
) -> Explanation:
    """The explanation of an outcome.

    :param asker: who would be logged in, for a request that ends before anybody asks who it is.
    :param diagnosing: where the request was sent: makes the diagnosis of its answer.
    """
    service = None if outcome.service is None else outcome.service.settings
    principal = (None if outcome.exchange is None else outcome.exchange.principal) or asker
    verdict = _verdict(outcome)
    judgement = None if service is None else judge(service.access, principal)
    fields: list[FieldTrace] = []
    upstream = None
    if outcome.head and service is not None and outcome.service is not None:
        fields = as_sent(with_rewriters(trace.fields, outcome.service.rewriting), outcome.head)
        upstream = upstream_request(service, outcome.head, typed=question.target)
    return Explanation(
        url=question.url,
        method=question.method.decode("latin-1"),
        verdict=verdict,
        status=None if verdict == "forward" else outcome.status,
        reason=outcome.reason or ("it is for a page of meshproxy's own: nothing goes upstream" if outcome.own else ""),
        service=None if service is None else service.name,
        route=None if service is None else (service.route.host, service.route.path),
        principal=principal,
        upstream=upstream,
        upstream_url="" if service is None else service.upstream.url,
        fields=tuple(fields),
        access=() if service is None else tuple(steps(service.access, principal)),
        losers=tuple(_losers(routes, outcome)),
        needs=judgement.needs if isinstance(judgement, Denied) and verdict != "forward" else (),
        answer=_answer(outcome),
        diagnosis=_diagnosis(outcome, diagnosing),
        curl=equivalent(service, outcome.head) if service is not None and outcome.head else "",
        notes=tuple(_notes(settings, question, outcome, service, principal)),
    )


def upstream_request(service: ServiceSettings, head: bytes, *, typed: bytes | None = None) -> UpstreamRequest:
    """What stands in an outgoing head.

    :param typed: the target that somebody typed; the query of another one (a rewriter's work) may hold a secret.
    """
    line, _, rest = head.partition(b"\r\n")
    method, _, target = line.removesuffix(b" HTTP/1.1").partition(b" ")
    if typed is None or target.partition(b"?")[2] != typed.partition(b"?")[2]:
        target = redact_target(target)
    host = rest.partition(b"\r\n")[0].partition(b": ")[2]
    shown = b"%b %b HTTP/1.1" % (method, target)
    redacted = shown + b"\r\n" + redact_head(head).partition(b"\r\n")[2]
    return UpstreamRequest(_text(shown), _text(host), server_name(service), _text(redacted))


def server_name(service: ServiceSettings) -> str | None:
    """The name in the TLS handshake; none without TLS, and none for an address (RFC 6066 §3)."""
    if service.upstream.scheme != "https":
        return None
    name = (service.tls.server_name if service.tls else None) or service.upstream.host
    return None if name.startswith("[") or name.replace(".", "").isdigit() else name


def _verdict(outcome: Outcome) -> Literal["forward", "challenge", "refuse"]:
    if outcome.head:
        return "forward"
    return "challenge" if outcome.event == "request.challenged" else "refuse"


def _losers(routes: RouteTable, outcome: Outcome) -> list[Loser]:
    facts = outcome.facts
    return [] if facts is None or facts.options_star else routes.losers(facts.host, facts.path)


def _answer(outcome: Outcome) -> tuple[int, tuple[tuple[str, str], ...]] | None:
    if outcome.sent_status is None:
        return None
    return outcome.sent_status, tuple((_text(name), _text(value)) for name, value in redact_fields(outcome.sent_fields))


def _diagnosis(outcome: Outcome, diagnosing: Any) -> dict[str, Any] | None:
    """In the form of diagnosis.md §1, less what names the service."""
    exchange = outcome.exchange
    if diagnosing is None or not outcome.head or exchange is None:
        return None
    found: Any = exchange.diagnosis
    if found is None:
        evidence = Evidence(
            phase="body" if outcome.sent_cut else "head", end="answered", status=outcome.sent_status, fields=tuple(outcome.sent_fields),
            body=outcome.sent_body, body_complete=outcome.sent_whole,
        )
        found = diagnosing(evidence, outcome.relay)
    status = outcome.sent_status or exchange.upstream_status or None
    told = {"status": status, **found.as_dict()}
    probe = {"probe": "request", "host": _text(outcome.head.partition(b"Host: ")[2].partition(b"\r\n")[0]),
             "outcome": str(status or found.cause), "answered_by": found.answered_by, "ms": round(exchange.upstream_duration * 1000)}
    return {**told, "probes": [probe]}


def _notes(
    settings: Settings, question: Question, outcome: Outcome, service: ServiceSettings | None, principal: Principal | None
) -> Iterator[str]:
    if outcome.facts is not None and outcome.facts.host not in settings.hosts:
        yield f"The hosts that are answered: {', '.join(settings.hosts)}."
    if service is not None and principal is not None and principal.email is None and service.rewrite:
        yield "The person has no e-mail address here: fields that are made of {email} are left out. Say more with --claims FILE."
    if is_operator(settings.operators, principal):
        yield "This person is an operator: error pages show the diagnosis."


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
