"""``python -m tests.mesh``: bring the mesh up, say where it listens, and keep it until it is interrupted."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ..support.mesh import MeshLab


async def main() -> None:
    """Start, say, wait."""
    with tempfile.TemporaryDirectory(prefix="meshproxy-mesh-") as directory:
        lab = MeshLab(reactor, Path(directory))
        try:
            await lab.start()
            print(f"""service            {lab.host} ({lab.service_id})
our sidecar        http://127.0.0.1:{lab.ports.outbound_any}/  ALLOW_ANY, protocol sniffing
                   http://127.0.0.1:{lab.ports.outbound_registry_only}/  REGISTRY_ONLY
                   http://127.0.0.1:{lab.ports.outbound_plain}/  ALLOW_ANY, no sniffing
the peer's sidecar 127.0.0.1:{lab.ports.inbound}  STRICT
Envoy's admin      http://127.0.0.1:{lab.ports.admin}/
files              {directory}

curl -i -H 'Host: {lab.host}' http://127.0.0.1:{lab.ports.outbound_any}/
curl -i -H 'Host: dashboard.example.com' http://127.0.0.1:{lab.ports.outbound_any}/""", flush=True)
            ended: Deferred[None] = Deferred()
            reactor.addSystemEventTrigger("before", "shutdown", ended.callback, None)
            await ended
        finally:
            await lab.stop()


if __name__ == "__main__":
    react(lambda _reactor: Deferred.fromCoroutine(main()))
