"""Why could somebody not log in? One attempt, step by step, by the short code that the page showed."""

from __future__ import annotations

import click

from .shell import Shell, conf_option, console, json_option, print_json, print_table


@click.command("login-report")
@click.argument("code")
@conf_option
@json_option
@click.pass_obj
def login_report(shell: Shell, code: str, conf: str | None, as_json: bool) -> None:
    """Tell what happened in the login attempt with this CODE."""
    told = shell.ask_running(conf, "login-report", code=code)
    if as_json:
        print_json(told)
        return
    rows = []
    for step in told["steps"]:
        who = step.get("principal") or {}
        words = step.get("words") or step.get("reason") or who.get("email") or who.get("subject") or ""
        rows.append((step["time"], step["event"], step.get("provider", ""), step.get("client", ""), step.get("request_id", ""), words))
    print_table(console(), ("TIME", "EVENT", "PROVIDER", "FROM", "REQUEST", "WHAT"), rows)
