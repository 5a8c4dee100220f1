"""``meshproxy doctor`` on the command line; what it finds is the doctor's own tests' affair."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.cli.doctor_command import print_report
from meshproxy.cli.shell import console
from meshproxy.core.diagnosis import Diagnosis, Probe
from meshproxy.doctor import Report, ServiceReport
from meshproxy.doctor.bypass import Bypass
from tests.support.command_line import DEMO, run

GOOD = ServiceReport("wiki", "http://wiki", 0.04, Diagnosis("service", "ok", "proven", because=("the service answered 200",), status=200))
BAD = ServiceReport(
    "orders", "http://orders.shop.svc:8080", 0.8,
    Diagnosis(
        "own-sidecar", "connect_refused", "likely", also=("tls_expired",), because=("503 with Envoy's own words",),
        hints=("Is a pod ready?",),
        probes=(Probe("request", "503", host="orders.shop.svc:8080", answered_by="own-sidecar", seconds=0.012),
                Probe("host", "503", host="no-such-name.invalid", answered_by="own-sidecar", seconds=0.003)), status=503,
    ),
    Bypass(True, "it answers 200 to a request without identity", ("Apply meshproxy mesh-policy",)),
)  # fmt: skip


def shown(*services: ServiceReport) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        print_report(console(), Report(services))
    return out.getvalue()


class Text(SynchronousTestCase):
    def test_all_is_well(self) -> None:
        """A line a service, and that nothing is to be done."""
        lines = shown(GOOD).splitlines()
        self.assertRegex(lines[1], r"^wiki +http://wiki +200 +service +ok +proven +0\.0 s$")
        self.assertIn("Nothing needs to be done", lines[-1])
        self.assertEqual(len(lines), 4)

    def test_trouble(self) -> None:
        """The one that has it in full: cause, why, what to check, which Host met what; what to do first is the last line."""
        text = shown(GOOD, BAD)
        self.assertRegex(text, r"(?m)^host +no-such-name.invalid +503 +own-sidecar +3 ms$")
        self.assertIn("around meshproxy: yes, it answers 200", text)
        parts = ("SERVICE", "connect_refused (likely)", "or: tls_expired", "because", "PROBE", "What to do first")
        places = [text.index(words) for words in parts]
        self.assertEqual(places, sorted(places))


class Process(SynchronousTestCase):
    def doctor(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from meshproxy.cli import main; sys.exit(main())"
        return subprocess.run([sys.executable, "-c", code, "doctor", "--conf", DEMO, *arguments], capture_output=True, text=True,
                              cwd=Path(DEMO).parent, timeout=60, check=False)  # fmt: skip

    def test_the_embedded_default(self) -> None:
        """Its services answer: one JSON document alone on standard output, exit 0."""
        ran = self.doctor("--json", "--as", "alice")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        causes = [(one["service"], one["cause"]) for one in json.loads(ran.stdout)["services"]]
        self.assertEqual(causes, [("admin", "ok"), ("headers", "ok")])

    def test_wrong_names(self) -> None:
        """A service that is none is named, with what was meant; exit 1."""
        ran = run("doctor", "--conf", DEMO, "header")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("did you mean 'headers'", ran.err)
