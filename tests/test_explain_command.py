"""What would happen to a request: ``meshproxy explain``, against the embedded default."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import DEMO, MemoryShell, Ran, run

HEADERS = "http://localhost:8080/headers"


def explain(*arguments: str, shell: MemoryShell | None = None, stdin: str = "") -> Ran:
    return run("explain", "--conf", DEMO, *arguments, shell=shell, stdin=stdin)


def told(*arguments: str) -> dict[str, Any]:
    """The JSON document."""
    found: dict[str, Any] = json.loads(explain("--json", *arguments).out)
    return found


class ExitStatuses(SynchronousTestCase):
    def test_each_verdict_has_its_own(self) -> None:
        """0 forward, 2 challenge, 3 refuse: by access, origin, route, Host and target alike."""
        alice = ("--as", "alice")
        for status, arguments in (
            (0, (*alice, HEADERS)),
            (0, (*alice, "-X", "POST", HEADERS)),
            (2, ("--anonymous", HEADERS)),
            (2, (HEADERS,)),
            (3, ("--as", "bob", "http://localhost:8080/admin")),
            (3, (*alice, "-X", "POST", "-H", "Origin: https://evil.example", HEADERS)),
            (3, (*alice, "http://localhost:8080/nothing/here")),
            (3, (*alice, "http://elsewhere.example/headers")),
            (3, (*alice, "http://local host/headers")),
            (3, (*alice, "-H", "Host: a,b", HEADERS)),
            (3, (*alice, f"{HEADERS}/%2e%2e/admin")),
            (3, (*alice, f"{HEADERS}/%zz/%2e%2e")),
            (3, (*alice, "http://localhost:8080/_meshproxy/userinfo")),
        ):
            self.assertEqual(explain(*arguments).status, status, arguments)

    def test_wrong_usage_exits_1(self) -> None:
        """Unknown options, no URL, one that is none, contradictions: 1, with a sentence on standard error."""
        for arguments in (
            (), ("--wrong", HEADERS), ("localhost:8080/x",), ("http://",), ("--anonymous", "--as", "alice", HEADERS),
            (HEADERS, "--request-id", "x"), ("-H", "no colon", HEADERS), ("--claims", "/nowhere.json", HEADERS),
            ("--as", "x", "--provider", "nobody", HEADERS), ("--send", "-H", "Content-Length: 3", HEADERS),
        ):
            ran = explain(*arguments)
            self.assertEqual((ran.status, ran.out), (1, ""), arguments)
            self.assertTrue(ran.err.strip(), arguments)
            self.assertNotIn("Traceback", ran.err)


class Json(SynchronousTestCase):
    def test_the_promised_form(self) -> None:
        """Every key of the contract, with the field that only meshproxy may say dropped and set anew."""
        document = told("--as", "alice", "-H", "Accept: text/html", "-H", "X_Forwarded_User: root", f"{HEADERS}/d/1?x=2")
        self.assertEqual((document["verdict"], document["status"], document["reason"]), ("forward", None, "group devs"))
        self.assertEqual((document["service"], document["route"]), ("headers", {"host": "localhost", "path": "/headers"}))
        self.assertEqual(document["upstream"], {"request_line": "GET /d/1?x=2 HTTP/1.1", "host": "localhost", "sni": None})
        self.assertIsNone(document["diagnosis"])
        who = document["principal"]
        self.assertEqual((who["issuer"], who["subject"], who["email"], who["groups"]),
                         ("users:local", "alice", "alice@example.com", ["admins", "devs"]))
        by_name = [(one["name"], one["action"], one["value"], one["by"]) for one in document["fields"]]
        self.assertIn(("Accept", "keep", "text/html", "browser"), by_name)
        self.assertIn(("X_Forwarded_User", "drop", "root", "managed names"), by_name)
        self.assertIn(("X-Forwarded-User", "set", "alice@example.com", "forwarded-user"), by_name)
        self.assertTrue(all(set(one) == {"name", "action", "value", "by", "why"} and one["why"] for one in document["fields"]))

    def test_secrets_are_redacted(self) -> None:
        """Cookies and credentials are named, their values are not."""
        ran = explain("--json", "--as", "alice", "-H", "Cookie: theirs=hush", "-H", "Authorization: Basic aHVzaDpodXNo", HEADERS)
        self.assertNotIn("hush", ran.out)
        self.assertNotIn("aHVzaDpodXNo", ran.out)
        fields = {(one["name"], one["action"]): one["value"] for one in json.loads(ran.out)["fields"]}
        self.assertEqual(fields["Cookie", "keep"], "[redacted]")
        self.assertEqual(fields["Authorization", "keep"], "[redacted]")

    def test_nothing_goes_up(self) -> None:
        """A challenge and a refusal have a status, and neither upstream nor fields."""
        challenge, refusal = told(HEADERS), told("--as", "bob", "http://localhost:8080/admin")
        self.assertEqual((challenge["verdict"], challenge["status"], challenge["principal"]), ("challenge", 302, None))
        self.assertEqual((refusal["verdict"], refusal["status"], refusal["needs"]), ("refuse", 403, {"groups": ["admins"]}))
        for document in (challenge, refusal):
            self.assertEqual((document["upstream"], document["fields"]), (None, []))

    def test_what_a_program_gets(self) -> None:
        """Without anything that says so a GET is a browser's; a program's Accept makes the challenge a 401."""
        self.assertEqual(told("-H", "Accept: application/json", HEADERS)["status"], 401)
        self.assertEqual(told("-X", "POST", HEADERS)["status"], 401)

    def test_somebody_who_is_in_no_file(self) -> None:
        """USER is the subject, and groups are as given."""
        document = told("--as", "carol", "--groups", "devs, ops", HEADERS)
        self.assertEqual((document["principal"]["subject"], document["principal"]["groups"]), ("carol", ["devs", "ops"]))
        self.assertEqual((document["verdict"], document["principal"]["email"]), ("forward", None))

    def test_claims_win(self) -> None:
        """Subject and groups come from the claims; ``--groups`` overrides them."""
        file = Path(self.mktemp())
        file.write_text('{"sub": "d1", "email": "dora@example.com", "email_verified": true, "groups": ["devs"], "name": "Dora"}')
        document = told("--as", "alice", "--claims", str(file), HEADERS)
        self.assertEqual((document["principal"]["subject"], document["principal"]["groups"]), ("d1", ["devs"]))
        self.assertIn("dora@example.com", [one["value"] for one in document["fields"]])
        self.assertEqual(told("--claims", str(file), "--groups", "ops", HEADERS)["verdict"], "refuse")


class Text(SynchronousTestCase):
    def test_it_reads_like_the_requests_life(self) -> None:
        """Request, verdict, who, service, access, fields, what is sent: in that order, plain in a pipe."""
        out = explain("--as", "alice", HEADERS).out
        places = [out.index(f"\n{word}" if word != "request" else word)
                  for word in ("request", "verdict", "who", "service", "access", "FIELD", "upstream", "sends")]
        self.assertEqual(places, sorted(places))
        self.assertNotIn("\x1b", out)
        self.assertIn("not admin at localhost/admin: the path is not under its prefix", out)
        self.assertEqual([], [line for line in out.splitlines() if line != line.rstrip()])

    def test_curl(self) -> None:
        """The sample application has no address that curl could reach; nothing is printed where nothing goes upstream."""
        for arguments in (("--as", "alice", HEADERS), ("--anonymous", HEADERS)):
            ran = explain("--curl", *arguments)
            self.assertEqual(ran.out, "")
            self.assertTrue(ran.err)


class Recorded(SynchronousTestCase):
    def test_a_recorded_request(self) -> None:
        """``--request-id`` asks the running meshproxy, and tells what was recorded in the same form."""
        record = {
            "request_id": "abc1", "service": "headers", "failed": True, "time": "2026-11-24T08:30:00.042Z", "client": "192.0.2.7",
            "method": "GET", "authority": "localhost:8080", "target": "/headers/x", "status": 502, "event": "request.failed",
            "reason": "connection refused", "principal": None, "answered_by": "nobody", "cause": "connect_refused",
            "upstream_status": None, "duration_ms": 3.0, "upstream_ms": 0.0, "bytes_in": 0, "bytes_out": 0, "tunnel": False,
            "diagnosis": {"answered_by": "nobody", "cause": "connect_refused", "confidence": "proven", "also": [],
                          "because": ["ECONNREFUSED"], "hints": ["is it up?"]},
            "incoming": [{"name": "X-Forwarded-User", "value": "root", "kept": False}],
            "outgoing": {"request_line": "GET /x HTTP/1.1", "host": "localhost", "fields": [
                {"name": "X-Forwarded-User", "value": "alice", "came": False}]},
        }
        shell = MemoryShell({"request": record})
        ran = explain("--json", "--request-id", "abc1", shell=shell)
        document = json.loads(ran.out)
        self.assertEqual(shell.asked, [("request", {"id": "abc1"})])
        self.assertEqual((ran.status, document["verdict"], document["diagnosis"]["cause"]), (4, "forward", "connect_refused"))
        self.assertEqual([(one["action"], one["value"]) for one in document["fields"]], [("drop", "root"), ("set", "alice")])
        self.assertIn("is it up?", explain("--request-id", "abc1", shell=shell).out)


class Process(SynchronousTestCase):
    def test_the_installed_command(self) -> None:
        """In a process of its own, with the real reactor, ``--send`` included: the sample application answers."""
        code = "import sys; from meshproxy.cli import main; sys.exit(main())"
        ran = subprocess.run([sys.executable, "-c", code, "explain", "--conf", DEMO, "--as", "alice", "--send", "--json", HEADERS],
                             capture_output=True, text=True, cwd=Path(DEMO).parent, timeout=60, check=False)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        document = json.loads(ran.stdout)
        self.assertEqual((document["diagnosis"]["cause"], document["answer"]["status"]), ("ok", 200))
