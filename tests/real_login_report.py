"""``meshproxy login-report`` of a login that a real OpenID Provider refused, with two workers: twistd, the command, real sockets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.real_oidc_login import PROVIDER, SERVICE
from tests.support import idp
from tests.support.running import ROOT, Running


class LoginReportTests(TestCase):
    skip = idp.why_not()
    timeout = 120

    async def report(self, code: str) -> list[dict[str, Any]]:
        """The steps, as an operator's command gets them."""
        script = "import sys; from meshproxy.cli import main; sys.exit(main())"
        ran = await deferToThread(
            subprocess.run, [sys.executable, "-c", script, "login-report", code, "--json", "--conf", str(self.meshproxy.conf_dir)],
            cwd=ROOT, capture_output=True, timeout=60,
        )
        self.assertEqual((ran.returncode, ran.stderr), (0, b""))
        steps: list[dict[str, Any]] = json.loads(ran.stdout)["steps"]
        return steps

    async def fail(self, callback: str, visitor: idp.Visitor) -> list[dict[str, Any]]:
        """Come back to that callback; the report of the code that the page shows."""
        status, _, page = await deferToThread(visitor.request, "GET", callback)
        self.assertEqual(status, 403)
        [code] = set(re.findall(r"\b[BCDFGHJKMNPQRSTVWXZ2-9]{6}\b", page))
        return await self.report(code)

    async def test_refused(self) -> None:
        """The provider refuses a code, a person refuses consent: each step with its time and the provider's words; nothing secret."""
        self.meshproxy = Running(
            reactor, Path(self.mktemp()), {"show": SERVICE}, files={"secret": idp.SECRET + "\n"}, arguments=("--workers", "2"))
        callback = f"{self.meshproxy.url}/_meshproxy/callback"
        provider = idp.RealProvider(redirect_uris=[callback])
        self.addCleanup(provider.stop)
        main = (self.meshproxy.conf_dir / "meshproxy.toml").read_text("utf-8")
        self.meshproxy.write("meshproxy.toml", main + PROVIDER % provider.issuer)
        await self.meshproxy.start()
        try:
            visitor = idp.Visitor("alice")
            url, _, _ = await deferToThread(visitor.go, f"{self.meshproxy.url}/show/", callback)
            query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            steps = await self.fail(url.replace(query["code"], "made-up-code-" + query["code"][13:]), visitor)
            words = [str(step.get("words") or step.get("reason") or step["event"]) for step in steps]
            self.assertEqual([line.partition(":")[0].partition(",")[0].partition(" http")[0] for line in words], [
                "discovery", "authorization request", "the browser is sent to", "login.started", "the browser came back", "discovery",
                "token endpoint", "the provider refused the code",
            ])
            self.assertIn("invalid_grant", words[6])
            self.assertEqual([step["time"] for step in steps], sorted(step["time"] for step in steps))
            told = str(steps) + self.meshproxy.stderr() + str(self.meshproxy.records())
            for secret in (query["code"], query["state"], "made-up-code-", idp.SECRET, "eyJ"):
                self.assertNotIn(secret, told)
            url, _, _ = await deferToThread(visitor.go, f"{self.meshproxy.url}/show/", callback)
            refused = re.sub(r"code=[^&]*", "error=access_denied&error_description=not+today%0A%1b[2J", url)
            steps = await self.fail(refused, visitor)
            self.assertIn("the provider said access_denied: not today [2J", steps[-1]["reason"])
        finally:
            await self.meshproxy.stop()
