"""How an explanation is read: :mod:`meshproxy.cli.explain_table`; the usual ones are :mod:`tests.test_explain_command`'s."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from rich.console import Console
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.cli.explain_table import print_explanation
from meshproxy.cli.shell import console
from meshproxy.core.disposition import FieldTrace
from meshproxy.core.principal import Principal
from meshproxy.core.routing import Loser
from meshproxy.explain import Explanation

DIAGNOSIS = {
    "status": 503,
    "answered_by": "own-sidecar",
    "cause": "connect_refused",
    "confidence": "likely",
    "also": ["tls_expired", "mtls_mismatch"],
    "because": ["503 with Envoy's own words", "no upstream time"],
    "hints": ["Is a pod ready?", "Look at the port"],
    "probes": [],
}


def shown(told: Explanation) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        print_explanation(console(), told)
    return out.getvalue()


class ExplainTable(SynchronousTestCase):
    def test_a_refusal(self) -> None:
        """Status and reason, which groups would do, each rule, each route that lost; nothing of an upstream."""
        text = shown(
            Explanation(
                "http://a/x",
                "GET",
                "refuse",
                403,
                "no rule",
                "orders",
                ("a", "/x"),
                Principal("i", "bob", "bob@example.com"),
                access=(("group sre", False), ("email x@example.com", False)),
                needs=("sre",),
                losers=(Loser("b", "a", "/", "the prefix /x is longer"),),
            )
        )
        for words in (
            "verdict     refuse with 403: no rule",
            "any of these groups would do: sre",
            "access      not met  group sre",
            "not b at a/: the prefix /x is longer",
            "bob@example.com (not verified: counts as missing)",
        ):
            self.assertIn(words, text)
        self.assertNotIn("upstream", text)

    def test_a_diagnosis(self) -> None:
        """Cause and who answered first, then why, then what to check, most likely first."""
        text = shown(
            Explanation("http://a/x", "GET", "forward", None, "group sre", answer=(503, (("server", "envoy"),)), diagnosis=DIAGNOSIS)
        )
        self.assertIn("diagnosis   connect_refused (likely), answered by own-sidecar\n            or: tls_expired, mtls_mismatch\n", text)
        places = [
            text.index(words)
            for words in ("answer      503", "server: envoy", "because     503", "no upstream time", "check       Is a pod", "Look at")
        ]
        self.assertEqual(places, sorted(places))

    def test_colour_on_a_terminal_only(self) -> None:
        """What colour says stands there as a word, too; somebody's markup or control characters are text."""
        told = Explanation("http://a/[red]x", "GET", "forward", None, "public", fields=(FieldTrace("X", "drop", "[bold]y", "b", "w"),))
        out = io.StringIO()
        print_explanation(Console(file=out, force_terminal=True, color_system="standard", width=120, markup=False, highlight=False), told)
        self.assertIn("\x1b[", out.getvalue())
        plain = shown(told)
        self.assertNotIn("\x1b[", plain)
        self.assertIn("[red]x", plain)
        hostile = "a\x1b[2Jb\x9bc"
        text = shown(Explanation(hostile, "GET", "refuse", 403, hostile, fields=(FieldTrace(hostile, "keep", hostile, hostile, hostile),)))
        self.assertTrue(all(line.isprintable() for line in text.split("\n")))
        self.assertRegex(plain, r"X +drop +\[bold\]y +b +w")
