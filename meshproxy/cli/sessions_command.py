"""Who is logged in, and how does an operator end that? Asked of the running meshproxy."""

from __future__ import annotations

from typing import Any

import click

from ..observe.audit_events import time_text
from .shell import Broken, Shell, conf_option, console, json_option, print_json, print_table


@click.group("sessions", no_args_is_help=False)
def sessions() -> None:
    """List the sessions of a running meshproxy, or end some."""


@sessions.command("list")
@conf_option
@json_option
@click.option("--subject", metavar="S", help="Only those of this subject.")
@click.pass_obj
def list_sessions(shell: Shell, conf: str | None, as_json: bool, subject: str | None) -> None:
    """Show who is logged in, the newest first (stores that can list)."""
    told = shell.ask_running(conf, "sessions.list", subject=subject or "")
    if as_json:
        print_json(told)
        return
    out = console()
    if not told["sessions"]:
        out.print("There is no session.")
        return
    rows = [
        (one["id"], one["email"] or one["subject"], one["provider"], _instant(one["started_at"]), _instant(one["seen_at"]), one["address"])
        for one in told["sessions"]
    ]
    print_table(out, ("ID", "WHO", "PROVIDER", "LOGGED IN", "LAST SEEN", "FROM"), rows)


@sessions.command("revoke")
@click.argument("session_id", metavar="ID", required=False)
@conf_option
@json_option
@click.option("--subject", metavar="S", help="All sessions of this subject.")
@click.option("--all", "everybody", is_flag=True, help="All sessions there are.")
@click.pass_obj
def revoke_sessions(shell: Shell, session_id: str | None, conf: str | None, as_json: bool, subject: str | None, everybody: bool) -> None:
    """End one session by its ID, those of a subject, or all; on every host, with their WebSockets."""
    if sum((session_id is not None, subject is not None, everybody)) != 1:
        raise click.UsageError("sessions revoke takes one of ID, --subject S, --all")
    told = shell.ask_running(conf, "sessions.revoke", id=session_id or "", subject=subject or "", all=everybody)
    if as_json:
        print_json(told)
    count = told["revoked"]
    if session_id is not None and not count:
        raise Broken(f"no session {session_id} is known here; should it be in some browser's cookie, it does not count any more")
    if not as_json:
        print(f"{count} session{'' if count == 1 else 's'} ended")


def _instant(seconds: Any) -> str:
    return time_text(float(seconds))[:19] + "Z"
