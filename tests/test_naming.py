"""The two names of a service: contract §2.4, 1 and 2."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.naming import Naming
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import RequestSettings, RouteSettings

PUBLIC = Origin("https", "apps.example.com", 443)
GRAFANA = Upstream("http", "grafana.mon.svc", 3000)


def naming(
    path: str = "/", *, strip: bool = False, host: str = "upstream", upstream: Upstream = GRAFANA, public: Origin = PUBLIC
) -> Naming:
    return Naming(upstream, RouteSettings(public.host, path, strip), RequestSettings(host=host), public)


class ToServiceTests(SynchronousTestCase):
    def test_origin(self) -> None:
        """The route's public origin becomes the upstream's; every other value goes on unchanged."""
        names = naming()
        self.assertEqual(names.origin_for_service(b"https://apps.example.com"), b"http://grafana.mon.svc:3000")
        self.assertEqual(names.origin_for_service(b"HTTPS://Apps.example.com"), b"http://grafana.mon.svc:3000")
        for other in (
            b"null",
            b"https://evil.com",
            b"http://apps.example.com",
            b"https://apps.example.com:8443",
            b"https://apps.example.com.evil.com",
            b"",
        ):
            self.assertEqual(names.origin_for_service(other), other)

    def test_referer(self) -> None:
        """``Referer``: the same, its path as forwarded; a page elsewhere on the host keeps its path."""
        for names, came, goes in (
            (naming(), b"https://apps.example.com/d?x#y", b"http://grafana.mon.svc:3000/d?x#y"),
            (naming(), b"https://apps.example.com", b"http://grafana.mon.svc:3000"),
            (naming(), b"https://apps.example.com.evil.com/", b"https://apps.example.com.evil.com/"),
            (naming("/g", strip=True), b"https://apps.example.com/g/d?x", b"http://grafana.mon.svc:3000/d?x"),
            (naming("/g", strip=True), b"https://apps.example.com/g", b"http://grafana.mon.svc:3000/"),
            (naming("/g", strip=True), b"https://apps.example.com/g?x", b"http://grafana.mon.svc:3000/?x"),
            (naming("/g", strip=True), b"https://apps.example.com/gg/d", b"http://grafana.mon.svc:3000/gg/d"),
            (naming("/g"), b"https://apps.example.com/g/d", b"http://grafana.mon.svc:3000/g/d"),
            (naming(upstream=Upstream("http", "a", 80, "/base/")), b"https://apps.example.com/d", b"http://a/base/d"),
            (naming("/g", strip=True, upstream=Upstream("http", "a", 80, "/base")), b"https://apps.example.com/g/d", b"http://a/base/d"),
        ):
            self.assertEqual(names.referer_for_service(came), goes)

    def test_destination(self) -> None:
        """``Destination`` is translated under this route alone: another service's resource is not moved into this one."""
        names = naming("/dav", strip=True)
        self.assertEqual(names.destination_for_service(b"https://apps.example.com/dav/x"), b"http://grafana.mon.svc:3000/x")
        for other in (b"https://apps.example.com/other/x", b"https://evil.com/dav/x", b"/dav/x", b"https://apps.example.com/davx"):
            self.assertEqual(names.destination_for_service(other), other)

    def test_what_the_service_sees_as_host(self) -> None:
        """A literal Host is the name that the service knows itself by; a preserved one needs no translation."""
        self.assertEqual(naming(host="grafana.internal").origin_for_service(b"https://apps.example.com"), b"http://grafana.internal")
        for came in (b"https://apps.example.com", b"https://apps.example.com/d"):
            self.assertEqual(naming(host="preserve").origin_for_service(came), came)
            self.assertEqual(naming(host="preserve").referer_for_service(came), came)
        self.assertEqual(naming(upstream=Upstream("https", "a", 443)).origin_for_service(b"https://apps.example.com"), b"https://a")
        for local in (Upstream("unix", "localhost", 0, "/run/x.sock"), Upstream("sample", "localhost", 0)):
            self.assertEqual(naming(upstream=local).origin_for_service(b"https://apps.example.com"), b"http://localhost")
            self.assertEqual(naming(upstream=local).base, b"")

    def test_public_port(self) -> None:
        """The public origin has the public port where it is not the default."""
        names = naming(public=Origin("http", "localhost", 8080))
        self.assertEqual(names.origin_for_service(b"http://localhost:8080"), b"http://grafana.mon.svc:3000")
        self.assertEqual(names.origin_for_service(b"http://localhost"), b"http://localhost")


class ToBrowserTests(SynchronousTestCase):
    def test_location(self) -> None:
        """``Location`` with the upstream's origin becomes public, whichever scheme the service thinks it has; others stay."""
        names = naming()
        for came, goes in {
            b"http://grafana.mon.svc:3000/login?x=1#y": b"https://apps.example.com/login?x=1#y",
            b"HTTPS://Grafana.mon.svc:3000/login": b"https://apps.example.com/login",
            b"http://grafana.mon.svc:3000": b"https://apps.example.com",
            b"http://grafana.mon.svc:3000?x": b"https://apps.example.com?x",
            b"//grafana.mon.svc:3000/x": b"//apps.example.com/x",
            b"/login": b"/login",
            b"login": b"login",
            b"?x": b"?x",
            b"": b"",
            b"https://idp.example/auth?redirect=http://grafana.mon.svc:3000/": b"https://idp.example/auth?redirect=http://grafana.mon.svc:3000/",
            b"http://grafana.mon.svc/x": b"http://grafana.mon.svc/x",
            b"http://grafana.mon.svc:3000.evil/x": b"http://grafana.mon.svc:3000.evil/x",
            b"http://user@grafana.mon.svc:3000/": b"http://user@grafana.mon.svc:3000/",
            b"//evil.com/x": b"//evil.com/x",
        }.items():
            self.assertEqual(names.location_for_browser(came), goes, came)

    def test_default_port(self) -> None:
        """The upstream's default port is the same origin whether it is written or not."""
        names = naming(upstream=Upstream("http", "a", 80))
        for came in (b"http://a/x", b"http://a:80/x", b"https://a/x"):
            self.assertEqual(names.location_for_browser(came), b"https://apps.example.com/x")

    def test_prefix_is_put_back(self) -> None:
        """With ``strip_path`` the prefix comes back, in path-absolute locations too, unless it stands there already."""
        names = naming("/g", strip=True)
        for came, goes in {
            b"/login": b"/g/login", b"/": b"/g/", b"/?x": b"/g/?x", b"/g": b"/g", b"/g/login": b"/g/login", b"/g?x": b"/g?x",
            b"/gg": b"/g/gg",
            b"http://grafana.mon.svc:3000/login": b"https://apps.example.com/g/login",
            b"http://grafana.mon.svc:3000/g/login": b"https://apps.example.com/g/login",
            b"http://grafana.mon.svc:3000": b"https://apps.example.com/g",
            b"https://apps.example.com/other": b"https://apps.example.com/other",
            b"login": b"login", b"../x": b"../x", b"//evil.com": b"//evil.com",
            b"/_meshproxy/logout": b"/_meshproxy/logout",
        }.items():
            self.assertEqual(names.location_for_browser(came), goes, came)

    def test_upstream_path_is_taken_away(self) -> None:
        """What the upstream's URL puts before every target is taken from its locations."""
        names = naming(upstream=Upstream("http", "a", 80, "/base"))
        for came, goes in {b"/base/x": b"/x", b"/base": b"/", b"/base?x": b"/?x", b"/other": b"/other", b"http://a/base/x": b"https://apps.example.com/x"}.items():
            self.assertEqual(names.location_for_browser(came), goes, came)
        both = naming("/g", strip=True, upstream=Upstream("http", "a", 80, "/base"))
        self.assertEqual(both.location_for_browser(b"/base/x"), b"/g/x")

    def test_preserved_host(self) -> None:
        """A service that saw the public Host may have the scheme wrong; the public origin is put right."""
        self.assertEqual(naming(host="preserve").location_for_browser(b"http://apps.example.com/x"), b"https://apps.example.com/x")

    def test_refresh(self) -> None:
        """``Refresh``: the URL in it, quoted or not, in any case."""
        names = naming("/g", strip=True)
        for came, goes in {
            b"5; url=/x": b"5; url=/g/x", b"5;URL='http://grafana.mon.svc:3000/x'": b"5;URL='https://apps.example.com/g/x'",
            b"0, url=/x": b"0, url=/g/x", b"5": b"5", b"5; foo=/x": b"5; foo=/x", b'5; url="/x"': b'5; url="/g/x"',
            b"5; url='": b"5; url='",
        }.items():
            self.assertEqual(names.refresh_for_browser(came), goes, came)

    def test_allowed_origin(self) -> None:
        """``Access-Control-Allow-Origin`` of the upstream becomes the public one; ``*`` and others stay."""
        names = naming()
        self.assertEqual(names.origin_for_browser(b"http://grafana.mon.svc:3000"), b"https://apps.example.com")
        for other in (b"*", b"null", b"https://a", b"http://grafana.mon.svc:3000/"):
            self.assertEqual(names.origin_for_browser(other), other)

    def test_cookie_domain(self) -> None:
        """A ``Domain`` of the upstream, or above it, goes; another one is the browser's to judge."""
        names = naming()
        for domain in (b"grafana.mon.svc", b".Grafana.Mon.svc", b"mon.svc", b".svc"):
            self.assertEqual(names.cookie_for_browser(b"a=1; Domain=" + domain + b"; Secure"), b"a=1; Secure")
        for cookie in (b"a=1; Domain=example.com", b"a=1; domain=ana.mon.svc", b"a=1; Domain=", b"a=domain=grafana.mon.svc"):
            self.assertEqual(names.cookie_for_browser(cookie), cookie)

    def test_cookie_path(self) -> None:
        """``Path`` gets the stripped prefix; ``/`` becomes the bare prefix, and a ``__Host-`` cookie keeps its only valid path."""
        names = naming("/g", strip=True)
        for came, goes in {
            b"a=1; Path=/": b"a=1; Path=/g", b"a=1; path=/x; HttpOnly": b"a=1; path=/g/x; HttpOnly", b"a=1;Path=/g/x": b"a=1;Path=/g/x",
            b"a=1; Path=/g": b"a=1; Path=/g", b"a=1; Path=x": b"a=1; Path=x", b"a=1": b"a=1", b"a=1; Path": b"a=1; Path",
            b"__Host-a=1; Path=/; Secure": b"__Host-a=1; Path=/; Secure",
        }.items():
            self.assertEqual(names.cookie_for_browser(came), goes, came)
        self.assertEqual(naming("/g").cookie_for_browser(b"a=1; Path=/"), b"a=1; Path=/")
        based = naming(upstream=Upstream("http", "a", 80, "/base"))
        self.assertEqual(based.cookie_for_browser(b"a=1; Path=/base/x"), b"a=1; Path=/x")
        self.assertEqual(based.cookie_for_browser(b"a=1; Path=/base"), b"a=1; Path=/")
