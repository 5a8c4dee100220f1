"""A bearer provider and the nasty provider as its issuer, joined in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from meshproxy.api import IncomingRequest, Peer, RequestHead
from meshproxy.builtin.bearer_provider import BearerProvider

from .contexts import context
from .nasty_provider import GONE
from .rp_flow import FlowTestCase
from .signing import rsa, sign

PEER = Peer("127.0.0.1")


def request(*authorization: str | bytes) -> IncomingRequest:
    """A request with these ``Authorization`` fields."""
    lines = tuple((b"Authorization", line.encode() if isinstance(line, str) else line) for line in authorization)
    return IncomingRequest(RequestHead(b"GET", b"/", ((b"Host", b"x"), *lines)), "https", "x", "grafana")


class BearerFlowTestCase(FlowTestCase):
    """Tests of one bearer provider."""

    def bearer(self, conf_dir: Path = Path("/nonexistent"), **settings: Any) -> BearerProvider:
        """The provider; the keys are not there yet."""
        table = {"issuer": self.idp.issuer, "audience": "mesh", **settings}
        made = BearerProvider(table, context(self.clock, self.http, name="robots", conf_dir=conf_dir))
        self.addCleanup(made.stop)
        return made

    def access_claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of an access token of now."""
        now = int(self.clock.seconds())
        claims = {"iss": self.idp.issuer, "sub": "robot", "aud": "mesh", "exp": now + 600, "iat": now, "groups": ["bots"], **changes}
        return {name: value for name, value in claims.items() if value is not GONE}

    def token(self, key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
        """A signed access token; ``header_x=…`` changes its header."""
        header = {name.removeprefix("header_"): changes.pop(name) for name in list(changes) if name.startswith("header_")}
        return sign(self.access_claims(**changes), key or rsa("one"), algorithm, **header)

    def ask(self, provider: BearerProvider, token: str) -> Any:
        """What the provider says to a token, once it has been asked."""
        found = provider.authenticate(request(f"Bearer {token}"), PEER)
        return self.result(found) if isinstance(found, Deferred) else found
