"""Explaining by the gateway itself: :mod:`meshproxy.explain.stagehand`, on conf directories of the tests."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import read
from meshproxy.explain import Asker, Explaining, Explanation, Question
from tests.support.conf_dirs import ConfDir

PLUGIN = '''
from meshproxy.api import Authenticated, Principal, Refused, Rejected, RequestHead, hookimpl


class Stamp:
    """Sees every request."""
    name = "stamp"
    managed_fields = [b"X-Stamp"]

    def identity_fields(self, principal):
        if principal.subject == "mallory":
            raise Refused("not mallory")
        if principal.subject == "bug":
            raise RuntimeError("a bug")
        return []

    def rewrite_request(self, head, principal):
        fields = tuple(field for field in head.fields if field[0] != b"X-Noise")
        return RequestHead(head.method, b"/stamped" + head.target + b"&token=hush", ((b"X-Stamp", b"s1"), *fields))


class Badge:
    name = "badge"
    consumes = [b"Authorization"]

    def authenticate(self, request, peer):
        value = dict(request.head.fields).get(b"Authorization", b"")
        if value == b"Badge bad":
            raise Rejected("forged")
        if value.startswith(b"Badge "):
            return Authenticated(Principal("badges", value[6:].decode(), groups=("shop",), provider="badges"))


@hookimpl
def meshproxy_header_rewriters():
    return [Stamp]


@hookimpl
def meshproxy_identity_providers():
    return [Badge]
'''

SERVICE = """
upstream = "https://orders.shop.svc.cluster.local:8443/base"
[route]
path = "/orders"
strip_path = true
[access]
groups = ["shop"]
[request]
strip = ["X-Debug"]
"""
ORDERS = "https://apps.example.com/orders"


class Stagehand(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.conf.main('mesh = false\ntrusted_peers = ["10.0.0.0/8"]\n', '[identity.badges]\ntype = "badge"\n')
        hashed = "$argon2id$v=19$m=65536,t=3,p=4$W40PBJgVGEgh6M/NnmoQig$TPboZvNGKXDvzgy+rvUa8ivfDU7u8rdJvdSAA9pSFNw"
        self.conf.write("users.toml", f'[alice]\npassword = "{hashed}"\ngroups = ["shop"]\nemail = "alice@example.com"\n')
        self.conf.write("plugins/house.py", PLUGIN)
        self.conf.service("orders", SERVICE)

    def explain(self, url: str, *lines: str, who: str | None = "alice", method: str = "GET", address: str = "127.0.0.1") -> Explanation:
        reactor = MemoryReactorClock()

        async def whole() -> Explanation:
            explaining = Explaining(reactor, read(self.conf.path))
            try:
                return await explaining.explain(Question.of(url, method, lines), Asker(who), address=address)
            finally:
                await explaining.stop()

        told: Any = self.successResultOf(Deferred.fromCoroutine(whole()))
        self.assertEqual([], reactor.getDelayedCalls())
        assert isinstance(told, Explanation)
        return told

    def test_the_exact_head(self) -> None:
        """Prefix stripped, the upstream's own put before it, Host and SNI the upstream's; the kept, set and added fields are the head's."""
        told = self.explain(
            f"{ORDERS}/a%2Fb?x=1&code=2", "X_DEBUG: 1", "Accept: */*", "Connection: x-hop", "X-Hop: 1", "Origin: https://apps.example.com"
        )
        assert told.upstream is not None
        self.assertEqual(told.upstream.request_line, "GET /base/a%2Fb?x=1&code=2 HTTP/1.1")
        self.assertEqual((told.upstream.host, told.upstream.sni), ("orders.shop.svc.cluster.local:8443", "orders.shop.svc.cluster.local"))
        passed = [f"{one.name}: {one.value}" for one in told.fields if one.action != "drop"]
        self.assertEqual(["Host: orders.shop.svc.cluster.local:8443", *passed], told.upstream.head.split("\r\n")[1:-2])
        self.assertIn("Origin: https://orders.shop.svc.cluster.local:8443", passed)
        self.assertEqual({one.name for one in told.fields if one.action == "drop"}, {"X_DEBUG", "X-Hop", "Cookie"})

    def test_a_rewriter_that_sees_every_request(self) -> None:
        """What it takes out and puts in is told as its doing, in the head's order; a query that it made may hold a secret."""
        self.conf.service("orders", SERVICE + '[[rewrite]]\nuse = "stamp"\n')
        told = self.explain(f"{ORDERS}/a?b=1", "X-Noise: 1", "X-Stamp: forged", "Accept: */*")
        assert told.upstream is not None
        self.assertEqual(told.upstream.request_line, "GET /base/stamped/a?b=1&token=[redacted] HTTP/1.1")
        actions = {(one.name, one.value): (one.action, one.by) for one in told.fields}
        self.assertEqual(actions["X-Noise", "1"], ("drop", "stamp"))
        self.assertEqual(actions["X-Stamp", "forged"], ("drop", "managed names"))
        self.assertEqual(actions["X-Stamp", "s1"], ("add", "stamp"))
        passed = [f"{one.name}: {one.value}" for one in told.fields if one.action != "drop"]
        self.assertEqual(passed, told.upstream.head.split("\r\n")[2:-2])

    def test_a_rewriter_says_no_or_breaks(self) -> None:
        """Its refusal is a 403 with its reason, its bug a 500 with its name: as the request would meet them."""
        self.conf.service("orders", SERVICE.replace('groups = ["shop"]', "authenticated = true") + '[[rewrite]]\nuse = "stamp"\n')
        told = self.explain(ORDERS, who="mallory")
        self.assertEqual((told.verdict, told.status, told.reason), ("refuse", 403, "not mallory"))
        told = self.explain(ORDERS, who="bug")
        self.assertEqual((told.verdict, told.status, told.reason), ("refuse", 500, "rewriter stamp"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_credentials_in_the_request(self) -> None:
        """A request provider is asked for real: it consumes what it read; wrong ones are a 401; with a session beside them a 400."""
        told = self.explain(ORDERS, "Authorization: Badge b7", who=None)
        assert told.principal is not None
        self.assertEqual((told.verdict, told.principal.subject), ("forward", "b7"))
        self.assertIn(("Authorization", "drop", "identity provider"), [(one.name, one.action, one.by) for one in told.fields])
        told = self.explain(ORDERS, "Authorization: Badge bad", who=None)
        self.assertEqual((told.verdict, told.status, told.reason), ("challenge", 401, "forged"))
        self.assertEqual(self.explain(ORDERS, "Authorization: Badge b7").status, 400)
        told = self.explain(ORDERS, "Authorization: Basic eDp5")
        self.assertEqual([one.action for one in told.fields if one.name == "Authorization"], ["keep"])

    def test_whose_connection_it_is(self) -> None:
        """A trusted peer's X-Forwarded-* are believed, anybody else's are not."""
        fields = ("X-Forwarded-For: 192.0.2.9", "X-Forwarded-Host: nobody.example")
        told = self.explain(ORDERS, *fields, address="10.1.1.1")
        self.assertEqual((told.verdict, told.status), ("refuse", 421))
        told = self.explain(ORDERS, *fields[:1], address="10.1.1.1")
        self.assertEqual(
            [one.value for one in told.fields if one.name == "X-Forwarded-For" and one.action == "set"], ["192.0.2.9, 10.1.1.1"]
        )
        told = self.explain(ORDERS, *fields[:1], address="192.0.2.1")
        self.assertEqual([one.value for one in told.fields if one.name == "X-Forwarded-For" and one.action == "set"], ["192.0.2.1"])

    def test_the_limits_hold(self) -> None:
        """A target that is too long, too many fields, a body that is too large: as the channel would say it."""
        self.assertEqual(self.explain(ORDERS + "/" + "a" * 20_000).status, 414)
        self.assertEqual(self.explain(ORDERS, *(f"X-{n}: 1" for n in range(250))).status, 431)
        self.conf.service("orders", SERVICE + "body_bytes = 10\n")
        self.assertEqual(self.explain(ORDERS, "Content-Length: 11", method="PUT").status, 413)

    def test_a_websocket(self) -> None:
        """A handshake goes on as one; from another site's page it is refused."""
        handshake = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        told = self.explain(ORDERS, *handshake)
        self.assertIn(("Upgrade", "set"), [(one.name, one.action) for one in told.fields])
        self.assertEqual(self.explain(ORDERS, *handshake, "Origin: https://evil.example").status, 403)

    def test_losers(self) -> None:
        """Every route that was not taken, and why."""
        self.conf.service("all", SERVICE.replace('"/orders"', '"/"').replace("strip_path = true", ""))
        told = self.explain(f"{ORDERS}/x")
        self.assertEqual([(one.service, one.why) for one in told.losers], [("all", "the prefix /orders is longer")])

    def test_curl(self) -> None:
        """The same request for a shell: quoted, secrets as variables, the way through TLS."""
        self.conf.service("orders", SERVICE + '[[rewrite]]\nuse = "basic"\nuser = "{subject}"\npassword = "it\'s hush"\n')
        curl = self.explain(f"{ORDERS}/a/../b?x='1'", "X: it's").curl
        self.assertIn("""--header 'X: it'"'"'s'""", curl)
        self.assertIn('--header "Authorization: Basic $AUTHORIZATION"', curl)
        self.assertIn("--path-as-is", curl)
        self.assertTrue(curl.endswith("""'https://orders.shop.svc.cluster.local:8443/base/a/../b?x='"'"'1'"'"''"""), curl)
