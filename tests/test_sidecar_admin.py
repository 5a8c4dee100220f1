"""How is our sidecar's admin read?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.configured import read
from meshproxy.doctor.equipment import Equipment
from meshproxy.doctor.sidecar_admin import SidecarAdmin

from .support.examined import Surgery
from .support.odd_services import answer, answering, then
from .support.ports import free_ports


class SidecarAdminTests(TestCase):
    """By GET alone; what does not answer says nothing."""

    @inlineCallbacks
    def got(self, respond: Any = None) -> Any:
        surgery = Surgery(reactor, Path(self.mktemp()))
        self.addCleanup(surgery.odd.stop)
        port = surgery.odd.listen(respond) if respond is not None else free_ports(1)[0]
        main = surgery.directory / "meshproxy.toml"
        main.write_text(main.read_text("utf-8").replace('sidecar_admin = ""', f'sidecar_admin = "http://127.0.0.1:{port}"'), "utf-8")
        surgery.service("a", 1)
        equipment = Equipment(reactor, read(surgery.directory), 2.0)
        admin = SidecarAdmin(equipment, equipment.services["a"].settings)
        body = yield Deferred.fromCoroutine(admin.get("/stats?filter=a b"))
        evidence = yield Deferred.fromCoroutine(admin.ask("/ready"))
        yield equipment.stop()
        return body, evidence

    @inlineCallbacks
    def test_a_page(self) -> Any:
        """Its whole body, however many kilobytes."""
        heads: list[bytes] = []
        answers = answering(answer(body=b"x" * 50_000))

        def respond(odd: Any, came: bytes) -> None:
            heads.append(came)
            answers(odd, came)

        body, evidence = yield self.got(respond)
        self.assertEqual((50_000, 200), (len(body), evidence.status))
        self.assertTrue(heads[0].startswith(b"GET /stats?filter=a%20b HTTP/1.1\r\nHost: 127.0.0.1:"))

    @inlineCallbacks
    def test_no_admin(self) -> Any:
        """An error, a close, nobody."""
        for respond, end in ((answering(answer("404 Not Found", b"x")), "answered"), (then("close"), "eof"), (None, "refused")):
            body, evidence = yield self.got(respond)
            self.assertEqual((None, end), (body, evidence.end))
