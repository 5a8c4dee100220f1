import inspect
from typing import Any

from twisted.trial import unittest

from meshproxy.core import ports
from meshproxy.upstream.exchange import Exchange
from meshproxy.upstream.pool import Pool
from meshproxy.web.relay import Relay


def promised(protocol: Any) -> dict[str, list[str]]:
    """The methods of a port and the names of their parameters."""
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in vars(protocol).items() if inspect.isfunction(method) and not name.startswith("_")
    }


class PortsTests(unittest.SynchronousTestCase):
    """The two legs meet in the ports alone, so what each calls must be what the other has."""

    def test_both_sides_keep_them(self) -> None:
        """Relay, pool and its exchanges have every method of their port, with its parameters in its order."""
        for kept_by, port in ((Relay, ports.UpstreamReceiver), (Pool, ports.UpstreamPool), (Exchange, ports.UpstreamExchange)):
            methods = promised(port)
            self.assertTrue(methods)
            for name, parameters in methods.items():
                found = list(inspect.signature(getattr(kept_by, name)).parameters)
                self.assertEqual([part.lstrip("_") for part in parameters], [part.lstrip("_") for part in found[: len(parameters)]],
                                 f"{kept_by.__name__}.{name}")
