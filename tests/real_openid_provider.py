"""Logins, renewals, logouts and bearer tokens at an OpenID Provider that we did not write (npm ``oidc-provider``), over real sockets."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from meshproxy.api import LoginFailed, ProviderDown, Rejected, SessionOver, SignedIn
from meshproxy.builtin.bearer_provider import BearerProvider
from meshproxy.builtin.oidc import OidcProvider
from meshproxy.identity.backchannel import BackChannel
from tests.support import idp
from tests.support.bearer_flow import PEER, request
from tests.support.contexts import CALLBACK, attempt, context

CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "ours", "use": "sig", "alg": "ES256"})


class WithProvider(TestCase):
    """One provider for all of them."""

    skip = idp.why_not()
    timeout = 60

    def setUp(self) -> None:
        self.provider = idp.shared(client_jwks={"keys": [CLIENT_KEY.as_dict(private=False)]})

    def client(self, **settings: Any) -> OidcProvider:
        """Our side of it."""
        table = {
            "issuer": self.provider.issuer,
            "client_id": "basic",
            "client_secret": idp.SECRET,
            "scopes": ["openid", "email", "profile", "groups", "offline_access"],
            "prompt": "consent",
            **settings,
        }
        ours = OidcProvider({name: value for name, value in table.items() if value is not None}, context(reactor, BackChannel(reactor)))
        self.addCleanup(ours.stop)
        return ours

    async def log_in(self, ours: OidcProvider, name: str = "alice", number: int = 1) -> SignedIn:
        """The whole way, for one person."""
        ticket = attempt(number)
        url = await ours.begin(ticket)
        parameters = await deferToThread(idp.Visitor(name).log_in, url, CALLBACK)
        self.assertEqual(parameters.pop("state"), ticket.state)
        return await ours.finish(ticket, parameters)


class LoginTests(WithProvider):
    async def test_login(self) -> None:
        """Alice logs in: issuer, subject, verified e-mail, names, groups (from userinfo), tokens, the provider's session."""
        signed_in = await self.log_in(self.client())
        principal, tokens = signed_in.principal, signed_in.tokens
        self.assertEqual((principal.issuer, principal.subject), (self.provider.issuer, "alice"))
        self.assertEqual((principal.trusted_email, principal.name, principal.username), ("alice@example.com", "Alice Ng", "alice"))
        self.assertEqual((principal.groups, principal.provider), (("admins", "devs"), "corp"))
        assert tokens is not None and tokens.expires_at is not None
        self.assertTrue(tokens.access and tokens.id and tokens.refresh)
        self.assertLess(abs(tokens.expires_at - reactor.seconds() - 3600), 60)

    async def test_unverified_address(self) -> None:
        """Mallory's address is not verified and counts as missing; her name comes as she wrote it."""
        principal = (await self.log_in(self.client(), "mallory")).principal
        self.assertEqual((principal.email, principal.trusted_email), ("mallory@example.com", None))
        self.assertEqual((principal.name, principal.groups), ('Mallory\u2028"<script>', ()))

    async def test_client_authentication(self) -> None:
        """client_secret_basic with odd characters, client_secret_post, private_key_jwt and a public client: all are let in."""
        key = CLIENT_KEY.as_pem(private=True).decode()
        ways: list[dict[str, Any]] = [
            {"client_id": "role:with spaces+and/odd", "client_auth": "client_secret_basic"},
            {"client_id": "post", "client_auth": "client_secret_post"},
            {"client_id": "key", "client_secret": None, "private_key": key, "private_key_id": "ours"},
            {"client_id": "public", "client_secret": None},
        ]
        for number, way in enumerate(ways):
            signed_in = await self.log_in(self.client(**way), "bob", number)
            self.assertEqual(signed_in.principal.subject, "bob", way["client_id"])

    async def test_signatures(self) -> None:
        """ID tokens signed with ES256 and EdDSA, and signed userinfo."""
        for number, name in enumerate(("es256", "eddsa", "signed-userinfo")):
            signed_in = await self.log_in(self.client(client_id=name), "alice", number)
            self.assertEqual(signed_in.principal.groups, ("admins", "devs"), name)

    async def test_pushed_request(self) -> None:
        """Where requests must be pushed, the browser carries a reference and nothing else."""
        ours = self.client(client_id="pushed", par="always")
        url = await ours.begin(attempt(5))
        self.assertEqual(set(parse_qs(urlsplit(url).query)), {"client_id", "request_uri"})
        self.assertEqual((await self.log_in(ours)).principal.subject, "alice")

    async def test_wrong_secret(self) -> None:
        """The provider refuses us: the login fails, the reason says that it is the client, and the secret is not in it."""
        with self.assertRaises(LoginFailed) as failed:
            await self.log_in(self.client(client_secret="wrong", par="never"))
        self.assertIn("invalid_client", failed.exception.reason)

    async def test_code_replayed(self) -> None:
        """A code that was spent is refused."""
        ours, ticket = self.client(), attempt(7)
        parameters = await deferToThread(idp.Visitor("alice").log_in, await ours.begin(ticket), CALLBACK)
        await ours.finish(ticket, parameters)
        with self.assertRaises(LoginFailed) as failed:
            await ours.finish(ticket, parameters)
        self.assertIn("invalid_grant", failed.exception.reason)

    async def test_other_browsers_code(self) -> None:
        """A code of another attempt fails by PKCE: it was asked for with another verifier."""
        ours = self.client()
        parameters = await deferToThread(idp.Visitor("mallory").log_in, await ours.begin(attempt(8)), CALLBACK)
        with self.assertRaises(LoginFailed):
            await ours.finish(attempt(9), parameters)

    async def test_ready(self) -> None:
        """Once discovery and keys are there the provider says that it is ready."""
        ours = self.client()
        await self.log_in(ours)
        self.assertIsNone(ours.ready())


class RenewalTests(WithProvider):
    async def test_rotation(self) -> None:
        """A refresh brings other tokens and the same person; the spent refresh token ends everything (reuse detection)."""
        ours = self.client()
        first = await self.log_in(ours)
        second = await ours.renew(first)
        assert first.tokens is not None and second.tokens is not None
        self.assertEqual(second.principal.subject, "alice")
        self.assertEqual(second.principal.groups, ("admins", "devs"))
        self.assertNotEqual(second.tokens.access, first.tokens.access)
        self.assertNotEqual(second.tokens.refresh, first.tokens.refresh)
        with self.assertRaises(SessionOver):
            await ours.renew(first)
        with self.assertRaises(SessionOver):
            await ours.renew(second)

    async def test_revoked(self) -> None:
        """A refresh token that was given back refreshes nothing."""
        ours = self.client()
        signed_in = await self.log_in(ours)
        await ours.revoke(signed_in)
        with self.assertRaises(SessionOver):
            await ours.renew(signed_in)

    async def test_logout_page(self) -> None:
        """The provider's logout page accepts the URL that we make."""
        ours = self.client()
        signed_in = await self.log_in(ours)
        url = ours.end_session_url(signed_in, "http://localhost:8080/_meshproxy/logged-out")
        assert url is not None
        status, _, body = await deferToThread(idp.Visitor().request, "GET", url)
        self.assertEqual(status, 200, body[:300])
        self.assertIn("/session/end/confirm", body)


class _Collector(Resource):
    """Takes the provider's back-channel logout; fires with its form."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.came: Deferred[dict[str, str]] = Deferred()

    def render_POST(self, request: Request) -> bytes:
        self.came.callback({name.decode(): values[0].decode() for name, values in request.args.items()})
        return b""


class BackchannelTests(WithProvider):
    async def test_logout_at_the_provider(self) -> None:
        """Who logs out at the provider: its token reaches us, is accepted, names the session of the login, and is good once."""
        collector = _Collector()
        port = reactor.listenTCP(0, Site(collector), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.provider = idp.RealProvider(backchannel_logout_uri=f"http://127.0.0.1:{port.getHost().port}/")
        self.addCleanup(self.provider.stop)
        ours, visitor, ticket = self.client(), idp.Visitor("alice"), attempt()
        parameters = await deferToThread(visitor.log_in, await ours.begin(ticket), CALLBACK)
        signed_in = await ours.finish(ticket, parameters)
        url = ours.end_session_url(signed_in, "http://localhost:8080/_meshproxy/logged-out")
        self.assertIn(await deferToThread(visitor.log_out, url), (200, 302, 303))
        form = await collector.came
        self.assertEqual(await ours.backchannel_logout(form), [(self.provider.issuer, signed_in.provider_session)])
        with self.assertRaises(LoginFailed):
            await ours.backchannel_logout(form)


class OutageTests(WithProvider):
    async def test_restart_with_other_keys(self) -> None:
        """While the provider is gone a login fails fast; back with all its keys changed, the next login works."""
        self.provider = idp.RealProvider()
        ours = self.client(par="never")
        await self.log_in(ours)
        ticket = attempt(2)
        url = await ours.begin(ticket)
        parameters = await deferToThread(idp.Visitor("alice").log_in, url, CALLBACK)
        self.provider.stop()
        with self.assertRaises(ProviderDown):
            await ours.finish(ticket, parameters)
        self.provider = idp.RealProvider(port=self.provider.port)
        self.addCleanup(self.provider.stop)
        self.assertEqual((await self.log_in(ours, "bob", 3)).principal.subject, "bob")


class BearerTests(WithProvider):
    def bearer(self, **settings: Any) -> BearerProvider:
        made = BearerProvider({"issuer": self.provider.issuer, "audience": "basic", **settings}, context(reactor, BackChannel(reactor)))
        self.addCleanup(made.stop)
        return made

    async def test_introspection(self) -> None:
        """The provider's opaque access token stands for Alice and for nobody where the audience is another."""
        asking = {"introspection": "auto", "client_id": "basic", "client_secret": idp.SECRET, "introspection_cache": "1ms"}
        ours, bearer = self.client(scopes=["openid"]), self.bearer(**asking)
        tokens = (await self.log_in(ours)).tokens
        assert tokens is not None and tokens.access is not None
        found: Any = bearer.authenticate(request(f"Bearer {tokens.access}"), PEER)
        self.assertEqual((await found).principal.subject, "alice")
        with self.assertRaises(Rejected):
            await self.bearer(**{**asking, "audience": "another"}).authenticate(request(f"Bearer {tokens.access}"), PEER)  # type: ignore[misc]
        with self.assertRaises(Rejected):
            await bearer.authenticate(request("Bearer invented"), PEER)  # type: ignore[misc]

    async def test_jwt(self) -> None:
        """A JWT that the provider signed, judged by its published keys."""
        tokens = (await self.log_in(self.client())).tokens
        assert tokens is not None
        found: Any = self.bearer().authenticate(request(f"Bearer {tokens.id}"), PEER)
        self.assertEqual((await found).principal.subject, "alice")
