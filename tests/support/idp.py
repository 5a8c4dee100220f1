"""How do tests log in at an OpenID Provider that we did not write? They start one (npm ``oidc-provider``) and visit it like a browser.

The packages are installed once, into ``$MESHPROXY_TEST_CACHE`` (default: ``tests/.cache``), from the lock file beside the program.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import http.client
import json
import os
import select
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

SOURCES = Path(__file__).parent.parent / "oidc_provider"
SECRET = "a secret + with / odd : characters & enough of them"
STARTS_WITHIN = 15.0


def why_not() -> str | None:
    """Why the provider cannot run here, for ``skip``; ``None`` when it can. Installs it if it must."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    try:
        _installed()
    except (OSError, subprocess.SubprocessError) as error:
        return f"oidc-provider cannot be installed: {error}"
    return None


def _installed() -> Path:
    """The folder with the program and its packages."""
    content = b"".join((SOURCES / name).read_bytes() for name in ("package.json", "package-lock.json", "idp.mjs"))
    cache = Path(os.environ.get("MESHPROXY_TEST_CACHE") or Path(__file__).parent.parent / ".cache")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / ".gitignore").write_text("*\n")
    folder = cache.resolve() / f"oidc-provider-{hashlib.sha256(content).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            for name in ("package.json", "package-lock.json", "idp.mjs"):
                shutil.copy(SOURCES / name, folder)
            command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
            (folder / ".complete").touch()
    return folder


class RealProvider:
    """One running provider. Its clients are those of ``idp.mjs``; ``basic`` is the usual one."""

    def __init__(self, **settings: Any) -> None:
        """Start it, and wait until it listens. ``settings``: see the head of ``idp.mjs``."""
        self._process, line = self._started(settings)
        if not line:  # seen once in some hundred starts: a node that neither ends nor says a word
            self._process, line = self._started(settings)
        if not line:
            raise RuntimeError("the provider does not start")
        self.issuer: str = json.loads(line)["issuer"]
        self.client_id = "basic"
        self.client_secret = SECRET

    @staticmethod
    def _started(settings: dict[str, Any]) -> tuple[subprocess.Popen[bytes], bytes]:
        """A process and its first line, b"" when it said none in time (and was ended)."""
        process = subprocess.Popen(
            ["node", "idp.mjs", json.dumps(settings)],
            cwd=_installed(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], STARTS_WITHIN)
        line = process.stdout.readline() if readable else b""
        if not line:
            process.kill()
            process.wait(10)
            process.stdout.close()
        return process, line

    @property
    def port(self) -> int:
        port = urlsplit(self.issuer).port
        assert port is not None
        return port

    def stop(self) -> None:
        """End it and wait for its end."""
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()


_shared: dict[str, RealProvider] = {}


def shared(**settings: Any) -> RealProvider:
    """A provider with these settings that whole test modules share; it ends with the process."""
    key = json.dumps(settings, sort_keys=True)
    if key not in _shared:
        _shared[key] = RealProvider(**settings)
        atexit.register(_shared[key].stop)
    return _shared[key]


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "input" and "name" in found:
            self.fields.setdefault(found["name"], found.get("value", ""))


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where a page's first form goes, and what it sends by itself."""
    form = _Form()
    form.feed(page)
    assert form.action is not None, page[:500]
    return form.action, form.fields


class Visitor:
    """A person with a browser: keeps cookies by host, follows redirects, fills in forms. Blocks; no reactor."""

    def __init__(self, name: str = "alice") -> None:
        self.name = name
        self.cookies: dict[str, dict[str, str]] = {}
        self.trail: list[str] = []

    def request(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, str], str]:
        """One request; status, fields (lower case) and body."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=20)
        jar = self.cookies.setdefault(parts.netloc, {})
        headers = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{parts.scheme}://{parts.netloc}"}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                self._keep(jar, value)
        self.trail.append(f"{response.status} {method} {url.partition('?')[0]}")
        return response.status, {name.lower(): value for name, value in response.getheaders()}, text

    @staticmethod
    def _keep(jar: dict[str, str], line: str) -> None:
        pair, *attributes = line.split(";")
        name, _, value = pair.strip().partition("=")
        told = [attribute.strip().lower() for attribute in attributes]
        if not value or "max-age=0" in told or any(item.startswith("expires=thu, 01 jan 1970") for item in told):
            jar.pop(name, None)
        else:
            jar[name] = value

    def go(self, url: str, until: str | None = None) -> tuple[str, int, str]:
        """Follow redirects and the provider's forms from ``url`` on.

        :param until: stop before a URL that begins so is fetched (a callback that nobody serves).
        :return: the URL that was reached, and its status and body (0 and "" when it was not fetched).
        """
        method, form = "GET", None
        for _ in range(20):
            if until is not None and url.startswith(until):
                return url, 0, ""
            status, headers, body = self.request(method, url, form)
            method, form = "GET", None
            if 300 <= status < 400:
                url = urljoin(url, headers["location"])
                continue
            page = _Form()
            page.feed(body)
            if page.action is None or "/interaction/" not in url:
                return url, status, body
            fields = dict(page.fields)
            if "login" in fields:
                fields |= {"login": self.name, "password": "whatever"}
            method, form, url = "POST", fields, urljoin(url, page.action or url)
        raise AssertionError(f"no end in sight: {self.trail}")

    def log_out(self, url: str) -> int:
        """Confirm a logout at the provider's own page; the status in the end."""
        status, _, body = self.request("GET", url)
        assert status == 200, body[:300]
        action, fields = form_of(body)
        status, _, _ = self.request("POST", urljoin(url, action), {**fields, "logout": "yes"})
        return status

    def log_in(self, url: str, callback: str) -> dict[str, str]:
        """Log in at the provider from an authorization URL on; the parameters that the callback gets."""
        reached, status, body = self.go(url, callback)
        if not reached.startswith(callback):
            raise AssertionError(f"ended at {reached} with {status}: {body[:500]}")
        return {name: values[0] for name, values in parse_qs(urlsplit(reached).query).items()}
