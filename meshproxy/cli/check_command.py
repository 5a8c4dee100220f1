"""Can this conf directory be run? Everything that a start would find wrong, at once, or a summary of what it makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console

from ..compiling import public_origin
from ..config import default_conf_dir, schema
from ..configured import Configured, read
from ..core.access import steps
from ..problems import ConfError, Problem
from ..settings import ServiceSettings, Settings
from ..web.pages import Pages
from .shell import conf_option, console, json_option, print_json, print_table, problem_json


@click.command("check")
@conf_option
@json_option
@click.option("--schema", "print_schema", is_flag=True, help="Print the JSON Schema of conf files, for editors, and nothing else.")
@click.pass_context
def check(ctx: click.Context, conf: str | None, as_json: bool, print_schema: bool) -> None:
    """Validate the conf directory: all problems, one a line, or a summary."""
    if print_schema:
        print_json(schema())
        return
    try:
        configured = read(default_conf_dir(conf))
        warnings = (*configured.warnings, *Pages(configured.settings, configured.settings.conf_dir).warnings)
    except ConfError as error:
        _print_problems(error.problems, as_json)
        ctx.exit(1)
    if as_json:
        print_json(_report(configured, warnings))
    else:
        _print_summary(console(), configured, warnings)


def _report(configured: Configured, warnings: Iterable[Problem]) -> dict[str, Any]:
    """``check --json`` of a directory that can be run."""
    settings = configured.settings
    return {
        "ok": True,
        "problems": [],
        "warnings": [problem_json(warning) for warning in warnings],
        "services": [_service(settings, service) for service in settings.services],
        "providers": [{"name": table.name, "type": table.use} for table in settings.identity],
        "plugins": configured.plugins.report(),
    }


def _service(settings: Settings, service: ServiceSettings) -> dict[str, Any]:
    return {
        "name": service.name,
        "title": service.title,
        "url": f"{public_origin(settings, service.route.host)}{service.route.path}",
        "route": {"host": service.route.host, "path": service.route.path},
        "upstream": service.upstream.url,
        "access": [words for words, _ in steps(service.access, None)],
        "rewriters": [table.use for table in service.rewrite],
    }


def _print_problems(problems: Iterable[Problem], as_json: bool) -> None:
    if as_json:
        told = [problem_json(problem) for problem in problems]
        print_json({"ok": False, "problems": told, "warnings": [], "services": [], "providers": [], "plugins": []})
        return
    out = console()
    for problem in problems:
        out.print(str(problem), style="red")


def _print_summary(out: Console, configured: Configured, warnings: Iterable[Problem]) -> None:
    settings = configured.settings
    for warning in warnings:
        out.print(f"warning: {warning}", style="yellow")
    told = [_service(settings, service) for service in settings.services]
    rows = [(one["name"], one["url"], one["upstream"], ", ".join(one["access"])) for one in told]
    print_table(out, ("SERVICE", "URL", "UPSTREAM", "WHO MAY ENTER"), rows)
    out.print()
    providers = ", ".join(f"{one.name} ({one.use})" for one in settings.identity) or "none: nobody can log in"
    strangers = [plugin["name"] for plugin in configured.plugins.report() if plugin["source"] != "built-in"]
    out.print(f"Identity providers: {providers}")
    out.print(f"Plugins beside the built-in ones: {', '.join(strangers) or 'none'}")
    out.print(f"{settings.conf_dir} can be run.", style="green")
