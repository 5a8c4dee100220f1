"""What must the mesh be told? The Istio resources that belong to the conf directory, as YAML to read, change and apply."""

from __future__ import annotations

from pathlib import Path

import click

from ..mesh_policy import Workload, resources
from ..yaml_text import dumps
from .shell import conf_option, json_option, print_json, read_conf

_MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@click.command("mesh-policy")
@conf_option
@json_option
@click.option("--namespace", metavar="NS", help="meshproxy's own. Default: the pod's, where this runs in one; else meshproxy.")
@click.option("--service-account", "account", default="meshproxy", show_default=True, metavar="SA", help="meshproxy's own.")
@click.option("--trust-domain", default="cluster.local", show_default=True, metavar="NAME", help="The mesh's.")
@click.option("--label", default="app", show_default=True, metavar="NAME", help="The label that says on pods which service they are.")
@click.option("--no-auto-mtls", is_flag=True, help="The mesh does not turn mutual TLS on by itself: add DestinationRules.")
def mesh_policy(conf: str | None, as_json: bool, namespace: str | None, account: str, trust_domain: str, label: str,
                no_auto_mtls: bool) -> None:
    """Print the Istio resources that let people reach the services through meshproxy alone."""
    configured = read_conf(conf)
    workload = Workload(namespace or _namespace(), account, trust_domain, label, not no_auto_mtls)
    found = list(resources(configured.settings, workload))
    if as_json:
        print_json({"resources": [one.body for one in found]})
        return
    if not configured.settings.mesh:
        print("# mesh = false in meshproxy.toml: this is for the day when it is true.")
    for one in found:
        print("---")
        for comment in one.comments:
            print(f"# {comment}")
        print(dumps(one.body), end="")


def _namespace() -> str:
    """Where this pod runs."""
    try:
        return _MOUNTED.read_text("ascii").strip() or "meshproxy"
    except OSError:
        return "meshproxy"
