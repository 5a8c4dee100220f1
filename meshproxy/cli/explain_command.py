"""What would happen to this request? Asked of the very code that serves requests, told as a table, as JSON or as curl."""

from __future__ import annotations

from typing import Any

import click

from ..configured import Configured
from ..explain import Asker, Explaining, Explanation, NotAUrl, Question, recorded
from .asker_options import asker_of, asker_options
from .explain_table import print_explanation
from .shell import Broken, Shell, complain, conf_option, console, json_option, print_json, read_conf


@click.command("explain")
@click.argument("url", required=False)
@conf_option
@json_option
@asker_options
@click.option("--anonymous", is_flag=True, help="Nobody is logged in (as without any of these).")
@click.option("-X", "--method", default="GET", metavar="METHOD", help="Another method than GET.")
@click.option("-H", "--header", "lines", multiple=True, metavar="'NAME: VALUE'", help="A field of the request; as often as needed.")
@click.option("--from", "address", default="127.0.0.1", metavar="ADDRESS", help="Whose connection it is; matters to trusted_peers.")
@click.option("--send", is_flag=True, help="Send it too, and diagnose the answer.")
@click.option("--curl", "as_curl", is_flag=True, help="Print the same as a curl command, secrets as placeholders.")
@click.option("--request-id", metavar="ID", help="In place of URL: a request that the running meshproxy has recorded.")
@click.pass_context
def explain(ctx: click.Context, url: str | None, conf: str | None, as_json: bool, as_user: str | None, groups: str | None,
            claims: str | None, provider: str, anonymous: bool, method: str, lines: tuple[str, ...], address: str, send: bool,
            as_curl: bool, request_id: str | None) -> None:
    """Tell what would happen to a request for URL, and why: route, access, every field, what goes upstream.

    Exits 0 where it is forwarded, 2 where a login is asked for, 3 where it is refused, 4 where --send met a failure.
    """
    if (url is None) == (request_id is None):
        raise click.UsageError("explain takes a URL, or --request-id ID")
    if anonymous and (as_user or groups or claims):
        raise click.UsageError("--anonymous and --as, --groups, --claims exclude each other")
    if request_id is not None and (send or as_curl):
        raise click.UsageError("--request-id reads what was recorded: there is nothing to send, and secrets are gone")
    configured = read_conf(conf)
    shell: Shell = ctx.obj
    told: Explanation
    if request_id is not None:
        told = recorded(configured.settings, shell.ask_running(conf, "request", id=request_id))
        _print(told, as_json, as_curl)
        ctx.exit(told.exit_status)
    asker = asker_of(as_user, groups, claims, provider)
    try:
        question = Question.of(url or "", method, lines)
    except NotAUrl as error:
        raise Broken(str(error)) from None
    if send and any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in question.fields):
        raise click.UsageError("--send sends no body: leave Content-Length and Transfer-Encoding out")
    told = shell.wait_for(lambda reactor: _explain(reactor, configured, question, asker, address, send))
    _print(told, as_json, as_curl)
    ctx.exit(told.exit_status)


async def _explain(reactor: Any, configured: Configured, question: Question, asker: Asker, address: str, send: bool) -> Explanation:
    explaining = Explaining(reactor, configured)
    try:
        return await explaining.explain(question, asker, address=address, send=send)
    finally:
        await explaining.stop()


def _print(told: Explanation, as_json: bool, as_curl: bool) -> None:
    if as_json:
        print_json(told.as_dict())
    elif not as_curl:
        print_explanation(console(), told)
    elif told.curl:
        print(told.curl)
    elif told.verdict == "forward":
        complain("the sample application is reached over a socket of the running meshproxy: curl cannot")
    else:
        complain(f"nothing goes upstream: {told.verdict}, {told.reason}")
