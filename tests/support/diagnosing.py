"""Evidence, situations and verdicts of the diagnosis in one line each."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import Diagnosis, Probe, Reading, Situation, diagnose
from meshproxy.core.diagnosis.certificate import CertificateFacts
from meshproxy.core.evidence import Evidence
from meshproxy.core.places import Upstream

NOW = 1_790_000_000.0
NAME = "billing.finance.svc.cluster.local"
RESET = "upstream connect error or disconnect/reset before headers. reset reason: "
ENVOYS = {"server": "envoy", "content-type": "text/plain"}
BEYOND = {"x-envoy-upstream-service-time": "3"}


def certificate(*names: str, issuer: str = "O=acme", ends_in: float = 86400.0) -> CertificateFacts:
    """A certificate for these names."""
    spiffe = next((name for name in names if name.startswith("spiffe://")), "")
    return CertificateFacts(names, spiffe, issuer, NOW - 1e6, NOW + ends_in, False)


def workload(**more: Any) -> CertificateFacts:
    """The peer's, in a mesh."""
    return certificate("spiffe://acme/ns/finance/sa/billing", **more)


def situation(scheme: Any = "http", host: str = NAME, port: int = 8080, *, mesh: bool = True, sent: str = "", **more: Any) -> Situation:
    """What was meant: ``billing`` in ``finance``, by its own name."""
    upstream = Upstream(scheme, host, port, url=f"{scheme}://{host}:{port}")
    return Situation(mesh, "billing", upstream, sent or upstream.authority, now=NOW, **more)


def answered(status: int, body: bytes | str = b"", fields: dict[str, str] | None = None) -> Evidence:
    """An answer that came whole."""
    body = body.encode() if isinstance(body, str) else body
    pairs = tuple((name.encode(), value.encode()) for name, value in (fields or {}).items())
    return Evidence(phase="head", end="answered", status=status, fields=pairs, body=body, body_complete=True)


def reset(reason: str, *, beyond: bool = False, status: int = 503) -> Evidence:
    """A sidecar's reset: our own, or one from beyond it."""
    return answered(status, RESET + reason, {**ENVOYS, **(BEYOND if beyond else {})})


def failed(phase: Any, end: str, first: bytes = b"", **more: Any) -> Evidence:
    """No answer."""
    return Evidence(phase=phase, end=end, first_bytes=first, received_bytes=len(first), **more)


def probe(seen: Any, kind: Any = "tls") -> Probe:
    """A probe that saw something."""
    return Probe(kind, "seen", seen=seen)


def reading(evidence: Evidence, about: Situation | None = None, *seen: Any) -> Reading:
    """All that is known."""
    return Reading(evidence, about or situation(), tuple(probe(one) for one in seen))


def verdict(evidence: Evidence, about: Situation | None = None, *seen: Any) -> Diagnosis:
    """The diagnosis."""
    return diagnose(evidence, about or situation(), tuple(probe(one) for one in seen))


class CauseTests(SynchronousTestCase):
    """Tests of one cause."""

    def proven(self, cause: str, who: str, found: Diagnosis) -> Diagnosis:
        """It is this cause and nothing else, and there is evidence and advice for it."""
        self.assertEqual((who, cause, "proven", ()), (found.answered_by, found.cause, found.confidence, found.also))
        self.assertTrue(found.because, "nothing is said for it")
        self.assertEqual(cause == "ok", not found.hints)
        return found

    def likely(self, cause: str, who: str, found: Diagnosis, *also: str) -> Diagnosis:
        """It is this cause most likely, and these are among the others."""
        self.assertEqual((who, cause, "likely"), (found.answered_by, found.cause, found.confidence))
        self.assertLessEqual(set(also), set(found.also))
        self.assertNotIn(cause, found.also)
        self.assertLessEqual(len(found.also), 5)
        self.assertTrue(found.hints)
        return found

    def advises(self, found: Diagnosis, *words: str) -> None:
        """The first hint has these words."""
        for word in words:
            self.assertIn(word, found.hints[0])
