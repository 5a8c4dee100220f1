"""The whole of it: twistd with a conf directory, a real OpenID Provider, people with browsers, a service that shows what it got."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.support import idp
from tests.support.running import Running

SERVICE = """
upstream = "sample:"
[route]
path = "/show"
strip_path = true
[access]
groups = ["devs"]
[[rewrite]]
use = "forwarded-user"
user = "{subject}"
"""

PROVIDER = """
[identity.corp]
type = "oidc"
issuer = "%s"
client_id = "basic"
client_secret_file = "secret"
scopes = ["openid", "email", "profile", "groups", "offline_access"]
prompt = "consent"
"""


class WholeLoginTests(TestCase):
    skip = idp.why_not()
    timeout = 120

    async def start(self) -> None:
        """A provider and a meshproxy that know each other."""
        self.meshproxy = Running(reactor, Path(self.mktemp()), {"show": SERVICE}, files={"secret": idp.SECRET + "\n"})
        own = f"{self.meshproxy.url}/_meshproxy"
        self.known: dict[str, Any] = {
            "redirect_uris": [f"{own}/callback"],
            "post_logout_redirect_uris": [f"{own}/logged-out"],
            "backchannel_logout_uri": f"{own}/backchannel-logout",
        }
        self.provider = idp.RealProvider(**self.known)
        self.addCleanup(lambda: self.provider.stop())
        main = (self.meshproxy.conf_dir / "meshproxy.toml").read_text("utf-8")
        self.meshproxy.write("meshproxy.toml", main + PROVIDER % self.provider.issuer)
        await self.meshproxy.start()

    async def visit(self, visitor: idp.Visitor, path: str) -> tuple[str, int, str]:
        """Where a person ends who opens a path, logging in on the way where they must."""
        return await deferToThread(visitor.go, self.meshproxy.url + path)

    async def who(self, visitor: idp.Visitor) -> int:
        """200 while the person is logged in, 401 when they are not."""
        status, _, _ = await deferToThread(visitor.request, "GET", f"{self.meshproxy.url}/_meshproxy/userinfo")
        return status

    async def test_people(self) -> None:
        """Each comes back to the URL they asked for; the service sees who they are; who is in no group does not enter."""
        await self.start()
        for name, groups in (("alice", "admins,devs"), ("bob", "devs")):
            visitor = idp.Visitor(name)
            url, status, body = await self.visit(visitor, "/show/?a=1&b=2")
            self.assertEqual((url, status), (f"{self.meshproxy.url}/show/?a=1&b=2", 200))
            for shown in (name, f"{name}@example.com", groups):
                self.assertIn(shown, body)
            self.assertNotIn("__Host-meshproxy", body)
        _, status, body = await self.visit(idp.Visitor("mallory"), "/show/")
        self.assertEqual(status, 403)
        self.assertNotIn("<script>", body)
        self.assertEqual(len(await self.meshproxy.records_with(event="request.refused")), 1)
        log = self.meshproxy.stderr() + str(self.meshproxy.records())
        self.assertNotIn(idp.SECRET, log)
        self.assertNotIn("eyJ", log)
        await self.meshproxy.stop()

    async def test_logout(self) -> None:
        """Logging out ends the session, copies of its cookie too, and leads to the provider's page; a logout there ends it here as well."""
        await self.start()
        here, there = idp.Visitor("alice"), idp.Visitor("alice")
        await self.visit(here, "/show/")
        there.cookies = {host: dict(jar) for host, jar in here.cookies.items()}
        self.assertEqual((await self.who(here), await self.who(there)), (200, 200))
        page_url = f"{self.meshproxy.url}/_meshproxy/logout"
        _, _, page = await deferToThread(here.request, "GET", page_url)
        action, fields = idp.form_of(page)
        status, headers, _ = await deferToThread(here.request, "POST", urljoin(page_url, action), fields)
        self.assertEqual((status, headers["location"].partition("?")[0]), (303, f"{self.provider.issuer}/session/end"))
        self.assertEqual((await self.who(here), await self.who(there)), (401, 401))
        other = idp.Visitor("bob")
        await self.visit(other, "/show/")
        self.assertEqual(await self.who(other), 200)
        end = f"{self.provider.issuer}/session/end?client_id=basic"
        await deferToThread(other.log_out, end)
        self.assertEqual(await self.who(other), 401)
        await self.meshproxy.stop()

    async def test_outage(self) -> None:
        """The provider gone: who is in stays in, who is not gets a page that says so; it comes back with other keys: they get in."""
        await self.start()
        inside, outside = idp.Visitor("alice"), idp.Visitor("bob")
        await self.visit(inside, "/show/")
        callback = f"{self.meshproxy.url}/_meshproxy/callback"
        url, _, _ = await deferToThread(outside.go, f"{self.meshproxy.url}/show/", callback)
        self.provider.stop()
        status, headers, _ = await deferToThread(outside.request, "GET", url)
        self.assertEqual((status, "retry-after" in headers), (503, True))
        self.assertEqual((await self.visit(inside, "/show/"))[1], 200)
        self.provider = idp.RealProvider(port=self.provider.port, **self.known)
        self.assertEqual((await self.visit(idp.Visitor("bob"), "/show/"))[1], 200)
        await self.meshproxy.stop()
