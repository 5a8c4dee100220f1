"""The request path's door to the diagnosis."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.error import ConnectionRefusedError as Refused

from meshproxy.diagnosing import Diagnosing

from .support.house import House
from .test_channel import ChannelCase

TEXT = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
FIELDS = [(b"content-type", b"text/plain"), (b"server", b"envoy")]


class DiagnosingTests(ChannelCase):
    def test_mesh_alone(self) -> None:
        """A sidecar's answer is looked for in a mesh, and nowhere else."""
        settings = House().settings
        for mesh in (True, False):
            diagnosing = Diagnosing(replace(settings, mesh=mesh))
            self.assertEqual(diagnosing.may_be_local_reply(503, FIELDS, len(TEXT), False), mesh)
            self.assertEqual(diagnosing.is_local_reply(503, FIELDS, TEXT), mesh)

    def test_failure(self) -> None:
        """A failed request is diagnosed from what the upstream leg saw, with this service's names."""
        house = self.house()
        house.gateway.refusals._diagnose = Diagnosing(house.settings)
        browser = house.browser()
        browser.asks()
        house.wire.refuse(Refused())
        record = house.records[0]
        self.assertEqual((record.answered_by, record.cause), ("nobody", "connect_refused"))
        self.assertEqual(record.diagnosis.confidence, "proven")
        self.assertTrue(record.diagnosis.hints)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 502 "))

    def test_sidecar(self) -> None:
        """A sidecar's own words name their cause; the person sees none of them."""
        house = self.house()
        diagnosing = Diagnosing(house.settings)
        refusals = house.gateway.refusals
        refusals._diagnose, refusals.may_be_local_reply, refusals.is_local_reply = (
            diagnosing, diagnosing.may_be_local_reply, diagnosing.is_local_reply)
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nserver: envoy\r\ncontent-length: 19\r\n\r\n"
            b"no healthy upstream")
        answer = browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "))
        self.assertNotIn(b"no healthy upstream", answer)
        self.assertEqual((house.records[0].answered_by, house.records[0].cause), ("own-sidecar", "no_endpoints"))
