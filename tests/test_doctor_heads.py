"""What does the doctor send?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.compiling import public_origin
from meshproxy.core.policy import RouteSettings
from meshproxy.core.principal import Principal, SignedIn
from meshproxy.doctor.heads import Heads
from meshproxy.rewriting import Rewriting
from meshproxy.web.protected import ProtectedService

from .support.conf_dirs import ConfDir


class Telling:
    """A rewriter that tells the subject."""

    name = "telling"
    managed_fields = (b"X-Who", b"X-Signature")

    def identity_fields(self, principal: Principal) -> list[tuple[bytes, bytes]]:
        return [(b"X-Who", principal.subject.encode())]


class Signing(Telling):
    """The same, and sees every request."""

    def rewrite_request(self, head: Any, principal: Any) -> Any:
        return replace(head, fields=(*head.fields, (b"X-Signature", b"s3cret")))


ALICE = SignedIn(Principal("https://idp", "alice"))


class HeadsTests(SynchronousTestCase):
    """The heads of the forwarding plan."""

    def setUp(self) -> None:
        self.settings = ConfDir(self).settings()

    def heads(self, who: SignedIn | None = None, rewriter: Any = None, route: RouteSettings | None = None) -> Heads:
        (service,) = self.settings.services
        if route is not None:
            service = replace(service, route=route)
            self.settings = replace(self.settings, services=(service,))
        rewriting = Rewriting([rewriter] if rewriter is not None else [])
        protected = ProtectedService(
            service, public_origin(self.settings, service.route.host), rewriting, None, managed=frozenset(), cookie_name=b"c",  # type: ignore[arg-type]
            body_bytes=0,
        )
        return Heads(self.settings, protected, who, "doctor-orders")

    def test_as_meshproxy_sends_it(self) -> None:
        """A GET of the root, the upstream's Host, the public name in X-Forwarded-*, an id to find it by; nobody's identity."""
        head = self.heads(rewriter=Telling()).own()
        self.assertTrue(head.startswith(b"GET / HTTP/1.1\r\nHost: orders.shop.svc.cluster.local:8080\r\n"), head)
        for line in (b"X-Forwarded-Host: apps.example.com", b"X-Forwarded-Proto: https", b"X-Request-Id: doctor-orders",
                     b"User-Agent: meshproxy-doctor"):
            self.assertIn(line + b"\r\n", head)
        self.assertNotIn(b"X-Who", head)
        self.assertTrue(head.endswith(b"\r\n\r\n"))

    def test_as_somebody(self) -> None:
        """With --as their identity fields go along, and what rewriters add to every request."""
        head = self.heads(ALICE, Signing()).own()
        self.assertIn(b"X-Who: alice\r\n", head)
        self.assertIn(b"X-Signature: s3cret\r\n", head)

    def test_another_host_is_told_nothing(self) -> None:
        """A request with another Host has neither identity nor signature: nobody knows where it goes."""
        head = self.heads(ALICE, Signing()).with_host("no-such-name.invalid")
        self.assertTrue(head.startswith(b"GET / HTTP/1.1\r\nHost: no-such-name.invalid\r\n"), head)
        self.assertNotIn(b"X-Who", head)
        self.assertNotIn(b"s3cret", head)

    def test_the_routes_root(self) -> None:
        """The prefix is stripped as always, or stays."""
        stripped = self.heads(route=RouteSettings("apps.example.com", "/orders", True))
        self.assertEqual((b"/", "https://apps.example.com/orders"), (stripped.target, stripped.public_url))
        self.assertIn(b"X-Forwarded-Prefix: /orders\r\n", stripped.own())
        kept = self.heads(route=RouteSettings("apps.example.com", "/orders"))
        self.assertTrue(kept.own().startswith(b"GET /orders HTTP/1.1\r\n"))
