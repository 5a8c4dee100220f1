"""Which plugins are there? What is loaded, from where, and what it registers; the built-in ones too."""

from __future__ import annotations

import click

from ..config import default_conf_dir
from ..plugins import Plugins
from .shell import conf_option, console, json_option, print_json, print_table


@click.command("plugins")
@conf_option
@json_option
def plugins(conf: str | None, as_json: bool) -> None:
    """List the plugins: what is loaded, from where, what it registers."""
    report = Plugins.load(default_conf_dir(conf)).report()
    if as_json:
        print_json({"plugins": report})
        return
    rows = [
        (plugin["name"], plugin["source"], ", ".join(f"{one['kind'].replace('_', ' ')} {one['name']}" for one in plugin["registers"]))
        for plugin in report
    ]
    print_table(console(), ("PLUGIN", "SOURCE", "REGISTERS"), rows)
