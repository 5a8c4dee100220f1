"""How is an explanation read by a person? From top to bottom, as the request lives: who, which service, may they, what goes up, what came.

The rule: the verdict stands first and last is what to do; colour says nothing that a word does not say too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from ..core.principal import Principal
from ..explain import Explanation
from .shell import print_table, shown

_VERDICTS = {"forward": "green", "challenge": "yellow", "refuse": "red"}
_ACTIONS = {"keep": "", "drop": "red", "set": "green", "add": "cyan"}
_LABEL = 12


def print_explanation(out: Console, told: Explanation) -> None:
    """The whole table."""
    _line(out, "request", f"{told.method} {told.url}")
    why = f": {shown(told.reason)}" if told.reason else ""
    _line(out, "verdict", Text.assemble((_verdict(told), f"bold {_VERDICTS[told.verdict]}"), why))
    if told.needs:
        _line(out, "", f"any of these groups would do: {', '.join(told.needs)}")
    _line(out, "who", _who(told.principal))
    _print_route(out, told)
    for words, met in told.access:
        _line(out, "access", Text.assemble((("met      " if met else "not met  "), "green" if met else "dim"), shown(words)))
    if told.fields:
        out.print()
        _print_fields(out, told)
    if told.upstream is not None:
        out.print()
        _line(out, "upstream", told.upstream_url + (f"  (SNI {told.upstream.sni})" if told.upstream.sni else ""))
        _line(out, "sends", told.upstream.request_line)
        for line in told.upstream.head.split("\r\n")[1:-2]:
            _line(out, "", line)
    _print_answer(out, told)
    for note in told.notes:
        _line(out, "note", note)


def _verdict(told: Explanation) -> str:
    if told.verdict == "forward" or told.status is None:
        return told.verdict
    return f"{told.verdict} with {told.status}"


def _who(principal: Principal | None) -> str:
    if principal is None:
        return "nobody is logged in"
    parts = [principal.subject]
    if principal.email:
        parts.append(principal.email + ("" if principal.email_verified else " (not verified: counts as missing)"))
    parts.append(f"groups {', '.join(principal.groups) or 'none'}")
    parts.append(f"by {principal.provider or 'no provider'} ({principal.issuer})")
    return " · ".join(parts)


def _print_route(out: Console, told: Explanation) -> None:
    if told.route is None:
        _line(out, "service", "none")
    else:
        _line(out, "service", f"{told.service}, by the route {told.route[0]}{told.route[1]}")
    for loser in told.losers:
        _line(out, "", Text(f"not {loser.service} at {loser.host}{loser.path}: {loser.why}", style="dim"))


def _print_fields(out: Console, told: Explanation) -> None:
    rows = []
    for one in told.fields:
        action, value = Text(one.action, style=_ACTIONS[one.action]), Text(shown(one.value), style="dim" if one.action == "drop" else "")
        rows.append((one.name, action, value, one.by, one.why))
    print_table(out, ("FIELD", "ACTION", "VALUE", "BY", "WHY"), rows)


def _print_answer(out: Console, told: Explanation) -> None:
    if told.answer is not None:
        out.print()
        status, fields = told.answer
        _line(out, "answer", str(status))
        for name, value in fields:
            _line(out, "", f"{name}: {value}")
    if told.diagnosis is not None:
        out.print()
        print_diagnosis(out, told.diagnosis)


def print_diagnosis(out: Console, diagnosis: dict[str, Any]) -> None:
    """Who answered, what it was, why we think so, what to do."""
    good = diagnosis["cause"] == "ok"
    _line(out, "diagnosis", Text.assemble((diagnosis["cause"], "bold green" if good else "bold red"),
                                          f" ({diagnosis['confidence']}), answered by {diagnosis['answered_by']}"))
    if diagnosis["also"]:
        _line(out, "", f"or: {', '.join(diagnosis['also'])}")
    _lines(out, "because", diagnosis["because"])
    _lines(out, "check", diagnosis["hints"])


def _lines(out: Console, label: str, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        _line(out, label, sentence)
        label = ""


def _line(out: Console, label: str, text: str | Text) -> None:
    out.print(Text.assemble((f"{label:<{_LABEL}}", "bold"), shown(text) if isinstance(text, str) else text))
