"""What is wrong with the services, all of them, in time?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.explain import Asker
from meshproxy.problems import ConfError

from .support.examined import Surgery
from .support.odd_services import answer, answering, silent
from .support.ports import free_ports

OK = answer(body=b"fine")


class DoctorTests(TestCase):
    """Side by side, by name, and bounded."""

    def setUp(self) -> None:
        self.surgery = Surgery(reactor, Path(self.mktemp()))
        self.odd = self.surgery.odd
        self.addCleanup(self.odd.stop)

    @inlineCallbacks
    def test_all_or_some(self) -> Any:
        """All services by default, in the order of the conf directory; else those that are named, once each."""
        good = self.odd.listen(answering(OK))
        self.surgery.service("bad", free_ports(1)[0])
        self.surgery.service("good", good)
        report = yield self.surgery.examined()
        self.assertEqual([("bad", "connect_refused"), ("good", "ok")], [(one.service, one.diagnosis.cause) for one in report.services])
        self.assertEqual(1, report.exit_status)
        report = yield self.surgery.examined("good", "good")
        self.assertEqual((["good"], 0), ([one.service for one in report.services], report.exit_status))

    @inlineCallbacks
    def test_no_such_service(self) -> Any:
        """A name that is none is a mistake of the command's user."""
        self.surgery.service("grafana", 1)
        error = yield self.assertFailure(self.surgery.examined("grafan"), ConfError)
        self.assertIn("did you mean 'grafana'?", str(error))

    @inlineCallbacks
    def test_a_service_that_hangs(self) -> Any:
        """It holds nobody up, and is told at the cap: likely, since a sidecar may still be connecting."""
        self.patch_times()
        self.surgery.service("hangs", self.odd.listen(silent))
        self.surgery.service("works", self.odd.listen(answering(OK)))
        report = yield self.surgery.examined()
        hangs, works = report.services
        self.assertEqual(("response_timeout", "likely", ("connect_timeout", "mtls_mismatch")),
                         (hangs.diagnosis.cause, hangs.diagnosis.confidence, hangs.diagnosis.also))
        self.assertEqual("ok", works.diagnosis.cause)
        self.assertIn("tls", [probe.probe for probe in hangs.diagnosis.probes])

    def patch_times(self) -> None:
        from meshproxy import doctor
        from meshproxy.doctor import examination

        self.patch(doctor, "_LONGEST", 0.4)
        self.patch(doctor, "_CAP", 2.0)
        self.patch(examination, "_PATIENCE", 0.1)
        self.patch(examination, "_STEP", 0.2)

    @inlineCallbacks
    def test_an_endless_answer(self) -> Any:
        """A gigabyte of error page is not read, and not waited for."""
        def flood(odd: Any, came: bytes) -> None:
            if not odd.done:
                odd.done = True
                odd.say(b"HTTP/1.1 503 Nope\r\nContent-Type: text/html\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 400_000)

        self.surgery.service("floods", self.odd.listen(flood))
        report = yield self.surgery.one()
        self.assertEqual(("service_error", 503), (report.diagnosis.cause, report.diagnosis.status))

    @inlineCallbacks
    def test_progress(self) -> Any:
        """What is being done is told by service, the outcome last."""
        told: list[tuple[str, str]] = []
        self.surgery.service("bad", free_ports(1)[0])
        yield self.surgery.examined(progress=lambda service, words: told.append((service, words)))
        self.assertEqual(("bad", "asking as meshproxy does"), told[0])
        self.assertEqual(("bad", "connect_refused, answered by nobody"), told[-1])

    @inlineCallbacks
    def test_as_somebody(self) -> Any:
        """With an asker the service is told who it is; a request with another Host is not."""
        heads: list[bytes] = []

        def respond(odd: Any, came: bytes) -> None:
            heads.append(came)
            odd.came = b""
            odd.say(answer("403 Forbidden", b"no"))

        self.surgery.service("billing", self.odd.listen(respond), more='[[rewrite]]\nuse = "forwarded-user"\nuser = "{subject}"')
        yield self.surgery.one(asker=Asker("alice", ("sre",)))
        told = [head for head in heads if b"X-Forwarded-User: alice" in head]
        self.assertEqual([heads[0]], told)
        self.assertGreater(len(heads), 1)

    @inlineCallbacks
    def test_the_sample_application(self) -> Any:
        """The built-in one runs for the examination and ends with it."""
        (self.surgery.directory / "services" / "sample.toml").write_text('upstream = "sample:"\n[access]\npublic = true\n', "utf-8")
        report = yield self.surgery.one()
        self.assertEqual("ok", report.diagnosis.cause)

    @inlineCallbacks
    def test_a_rewriter_that_refuses(self) -> Any:
        """Nothing is sent, the service is not accused, and the reason is told."""
        more = '[[rewrite]]\nuse = "forwarded-user"\nuser = "{name}"'
        self.surgery.service("billing", free_ports(1)[0], more=more)
        report = yield self.surgery.one(asker=Asker(claims={"sub": "x", "name": "a\nb"}))
        self.assertEqual(("meshproxy", "unknown"), (report.diagnosis.answered_by, report.diagnosis.cause))
        self.assertIn("nothing was sent", report.diagnosis.because[0])
