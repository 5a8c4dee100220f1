"""What is wrong with the services? ``meshproxy doctor``: a line a service, what speaks for it, and at the end what to do first."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ..doctor import Progress, Report, ServiceReport, run
from .asker_options import asker_of, asker_options
from .explain_table import print_diagnosis
from .shell import Shell, conf_option, console, json_option, print_json, print_table, read_conf


@click.command("doctor")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@conf_option
@json_option
@asker_options
@click.option("--bypass", is_flag=True, help="Try, too, whether the services can be reached around meshproxy.")
@click.pass_context
def doctor(ctx: click.Context, services: tuple[str, ...], conf: str | None, as_json: bool, as_user: str | None, groups: str | None,
           claims: str | None, provider: str, bypass: bool) -> None:
    """Probe each SERVICE (all by default) as meshproxy would, and tell who answered, the cause, and what to check.

    Only safe requests without a body; without identity fields unless --as says whose. Exits 0 where nothing is wrong, else 1.
    """
    asker = asker_of(as_user, groups, claims, provider)
    configured = read_conf(conf)
    shell: Shell = ctx.obj

    async def ask(reactor: Any) -> Report:
        return await run(reactor, configured, services, asker=None if asker.anonymous else asker, bypass=bypass, progress=_progress())

    report: Report = shell.wait_for(ask)
    if as_json:
        print_json(report.as_dict())
    else:
        print_report(console(), report)
    ctx.exit(report.exit_status)


def print_report(out: Console, report: Report) -> None:
    """All services at a glance, then each that has trouble, then two sentences."""
    rows = []
    for one in report.services:
        found = one.diagnosis
        status = str(found.status) if found.status is not None else "-"
        cause = Text(found.cause, style="green" if one.ok else "bold red")
        rows.append((one.service, one.upstream, status, found.answered_by, cause, found.confidence, f"{one.seconds:.1f} s"))
    print_table(out, ("SERVICE", "UPSTREAM", "STATUS", "ANSWERED BY", "CAUSE", "CONFIDENCE", "TOOK"), rows)
    for one in report.services:
        if not one.ok or one.bypass is not None:
            _print_service(out, one)
    out.print()
    out.print(report.in_two_sentences(), style="bold")


def _print_service(out: Console, one: ServiceReport) -> None:
    out.print()
    out.print(one.service, style="bold")
    if one.diagnosis.cause != "ok":
        print_diagnosis(out, one.diagnosis.as_dict())
    told = [probe.as_dict() for probe in one.diagnosis.probes]
    if told:
        rows = [(str(each["probe"]), str(each.get("host", "")), str(each["outcome"]), str(each.get("answered_by", "")), f"{each['ms']} ms")
                for each in told]
        print_table(out, ("PROBE", "HOST", "OUTCOME", "ANSWERED BY", "TOOK"), rows)
    if one.bypass is not None:
        words = {True: "yes", False: "no", None: "cannot be told from here"}[one.bypass.reachable]
        out.print(Text.assemble("around meshproxy: ", (words, "bold red" if one.bypass.reachable else ""), f", {one.bypass.because}"))
        for hint in one.bypass.hints:
            out.print(f"  {hint}")


def _progress() -> Progress | None:
    """What is being done, on a terminal: standard error, so that a report in a pipe stands alone."""
    if not sys.stderr.isatty():
        return None
    told = Console(stderr=True, highlight=False, markup=False)
    return lambda service, words: told.print(f"{service}: {words}", style="dim")
