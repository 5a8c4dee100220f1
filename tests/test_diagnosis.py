"""What is said of a failure, whichever cause it has? The engine, the recorded failures, and what holds for all causes alike."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import Diagnosis, causes, diagnose, meaning
from meshproxy.core.evidence import Evidence

from .support.conf_dirs import properties
from .support.diagnosing import ENVOYS, answered, failed, reset, situation, verdict

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "tests" / "diagnosis" / "recorded.jsonl"
#: the whole vocabulary (diagnosis.md §3): its codes are a promise
CODES = frozenset((
    "ok", "dns_failed", "connect_refused", "connect_timeout", "closed_early", "response_timeout", "response_cut", "not_http", "http2_only",
    "plain_to_tls", "tls_to_plain", "tls_name_mismatch", "tls_expired", "tls_unknown_ca", "client_cert_required", "host_not_in_mesh",
    "mtls_mismatch", "no_endpoints", "route_missing", "overloaded", "mesh_denied", "jwt_rejected", "fault_injected", "protocol_mismatch",
    "request_rejected", "service_error", "service_refused", "gateway_error", "redirect_loop", "unknown",
))
#: no failure, or nothing that meshproxy could ever send
NOT_FAILURES = ("*", "h2 prior knowledge preface to HTTP1-only? (auto codec)")


def recorded() -> list[dict[str, Any]]:
    """What real sidecars answered, with the truth from their own access logs."""
    return [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


def evidence_of(row: dict[str, Any]) -> Evidence:
    """As the upstream leg would have it."""
    if row["status"] is None:
        return failed("head", "eof" if row["end"] == "FIN" else "timeout")
    if row["case"] == "app/cut":
        return failed("body", "eof", b"HTTP/1.1 200 OK\r\n", status=200)
    return answered(row["status"], row["body"].encode("latin-1", "replace"), dict(row["fields"]))


class RecordedTests(SynchronousTestCase):
    """The recorded failures of two versions of Envoy."""

    def judged(self, row: dict[str, Any]) -> tuple[bool, Diagnosis]:
        found = diagnose(evidence_of(row), situation(host="app", method=row["method"], upgrade=row["upgrade"]))
        beside = row["cause"] in found.also or row["cause"] == "redirect_loop"
        named = found.cause == row["cause"] or (found.cause in row["also"] and beside)
        forgiven = found.answered_by != "own-sidecar" and found.answered_by in row["answered_by"] and found.cause in row["also"]
        return found.answered_by in row["answered_by"] and (named or forgiven), found

    def test_they_are_named_right(self) -> None:
        """At least 95 % are named right, who answered included; in fact all are but those that are no failures of ours."""
        wrong = [f"{row['case']} {row['version']}: {found.answered_by} {found.cause}" for row in recorded()
                 if row["case"] not in NOT_FAILURES for good, found in (self.judged(row),) if not good]
        self.assertEqual([], wrong)
        self.assertEqual(113, len({row["case"] for row in recorded()}))

    def test_a_told_reason_is_proof(self) -> None:
        """Where a version tells its transport's reason, the cause is exactly that and proven."""
        told = [row for row in recorded() if "transport failure reason" in row["body"]]
        self.assertGreater(len(told), 8)
        for row in told:
            found = self.judged(row)[1]
            self.assertEqual((row["cause"], "proven"), (found.cause, found.confidence), row["case"])

    def test_nothing_is_proven_wrongly(self) -> None:
        """What is called proven is the truth, or is forgiven because the form alone says who answered."""
        for row in recorded():
            found = self.judged(row)[1]
            if found.confidence == "proven" and found.cause != row["cause"] and row["case"] not in NOT_FAILURES:
                self.assertEqual("service", found.answered_by, row["case"])
                self.assertIn(found.cause, row["also"], row["case"])

    def test_no_service_is_accused_and_none_is_taken_for_a_sidecar(self) -> None:
        """The service's own answers are the service's; a sidecar's failure is never blamed on it."""
        for row in recorded():
            found = self.judged(row)[1]
            if row["answered_by"] == ["service"]:
                self.assertEqual("service", found.answered_by, row["case"])
            elif "service" not in row["answered_by"]:
                self.assertNotIn(found.cause, ("service_error", "service_refused"), row["case"])


class EngineTests(SynchronousTestCase):
    """What holds for every diagnosis."""

    def test_the_vocabulary_is_whole(self) -> None:
        """There is a file for each code and no code more; each has words for people."""
        self.assertEqual(CODES, set(causes()))
        for code in CODES:
            self.assertNotIn("_", meaning(code))
        self.assertEqual("no_such_code", meaning("no_such_code"))

    def test_every_cause_has_its_page(self) -> None:
        """Hints lead to a page that tells what it looks like, why it happens, how to be sure and how to mend it."""
        for code in CODES:
            page = (ROOT / "docs" / "causes" / f"{code}.md").read_text("utf-8")
            self.assertTrue(page.startswith(f"# `{code}`"), code)
            for part in ("## What it looks like", "## Why it happens", "## How to be sure", "## How to mend it"):
                self.assertIn(part, page, code)
        self.assertEqual(CODES | {"README"}, {page.stem for page in (ROOT / "docs" / "causes").glob("*.md")})

    def test_the_last_hint_leads_there(self) -> None:
        """Every diagnosis of a failure ends with the page of its cause."""
        self.assertIn("docs/causes/no_endpoints.md", verdict(answered(503, "no healthy upstream", ENVOYS)).hints[-1])

    def test_a_cause_knows_no_other(self) -> None:
        """A further cause is one more file: none is named outside the groups and its own (response_timeout has two that hide behind it)."""
        folder = ROOT / "meshproxy" / "core" / "diagnosis"
        for name in ("__init__.py", "reading.py", "answered_by.py", "local_reply.py", "proxies.py"):
            tree = ast.parse((folder / name).read_text("utf-8"))
            words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            self.assertLessEqual(words & CODES, {"ok", "unknown"}, name)

    def test_as_the_report_has_it(self) -> None:
        """The keys and values of diagnosis.md §1."""
        told = verdict(reset("connection failure")).as_dict()
        self.assertEqual(["status", "answered_by", "cause", "confidence", "also", "because", "hints", "probes"], list(told))
        self.assertEqual((503, "own-sidecar", "connect_refused", "likely"), tuple(told[key] for key in list(told)[:4]))
        json.dumps(told)

    @properties
    @given(
        st.sampled_from(("queue", "resolve", "connect", "tls", "send", "head", "body", "tunnel")),
        st.sampled_from((
            "timeout", "eof", "reset", "refused", "unreachable", "dns", "tls", "invalid", "overload", "aborted", "answered", "",
        )),
        st.binary(max_size=40), st.one_of(st.none(), st.integers(100, 999)),
        st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60)), max_size=4), st.binary(max_size=300), st.booleans(),
        st.sampled_from(("http", "https", "unix", "sample")),
    )
    def test_anything_has_a_diagnosis(self, phase: Any, end: str, first: bytes, status: int | None, fields: Any, body: bytes, mesh: bool,
                                      scheme: Any) -> None:
        """Whatever a stranger sends there is one cause, evidence, and advice without control characters."""
        evidence = Evidence(
            phase=phase, end=end, first_bytes=first, received_bytes=len(first), status=status, fields=tuple(fields), body=body,
            body_complete=True, error=body.decode("latin-1")[:50], peer_certificate=body,
        )
        found = diagnose(evidence, situation(scheme, mesh=mesh))
        self.assertIn(found.cause, CODES)
        if found.confidence == "proven":
            self.assertEqual((), found.also)
        self.assertLessEqual(len(found.also), 5)
        self.assertEqual(found.cause == "ok", not found.hints)
        if found.cause not in ("ok",):
            self.assertTrue(found.because)
        for words in (*found.because, *found.hints):
            self.assertTrue(words.isprintable(), words)
