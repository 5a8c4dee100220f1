"""How does one request go through meshproxy, when nobody has sent it? Through the very gateway that serves requests.

The rule: nothing is decided here. The head is read by the channel's reader, judged by the gateway with the services that
:mod:`meshproxy.compiling` made, and written by their forwarding plans; only the two ends are ours: the lane that would be a browser's
connection, and the pool that would send (and with ``--send`` does).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from ..core.exchange import Exchange
from ..core.heads import Answer, Field
from ..core.inspection import Facts, Malformed, inspect
from ..core.trust import Claimed
from ..web.head_reader import HeadReader

if TYPE_CHECKING:
    from ..core.peer import Peer
    from ..web.gateway import Gateway
    from ..web.lane import Lane
    from ..web.protected import ProtectedService
    from ..web.relay import Relay

_BODY_BYTES = 4096  # of an answer's body are kept for its diagnosis
_ENOUGH_BYTES = 256 * 1024  # after which nobody waits for the end of an answer
_ENOUGH_FOR = 5.0  # seconds, likewise


class Outcome:
    """What became of the request.

    :ivar facts: ``None`` where the head is none.
    :ivar exchange: the gateway's record of it, ``None`` where it did not get that far.
    :ivar service: whose request it is.
    :ivar head: what went (or would go) upstream, ``b""`` where nothing does.
    :ivar answer: meshproxy's own answer, where it gives one.
    :ivar own: the request is for one of meshproxy's own pages.
    :ivar relay: the relay that carried it.
    :ivar status, reason: of meshproxy's own answer; the reason of what is forwarded too.
    :ivar event: what the gateway's record calls it; "" where it has none.
    """

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.exchange: Exchange | None = None
        self.service: ProtectedService | None = None
        self.relay: Relay | None = None
        self.head = b""
        self.answer: Answer | None = None
        self.own = False
        self.status: int | None = None
        self.reason = ""
        self.event = ""
        #: with --send: the service's answer
        self.sent_status: int | None = None
        self.sent_fields: list[Field] = []
        self.sent_body = b""
        self.sent_whole = False
        self.sent_cut = False


class RecordingPool:
    """Takes the outgoing head; passes it on only where there is a real pool behind it."""

    def __init__(self, stage: Stage, real: Callable[[], Any] | None = None) -> None:
        self._stage = stage
        self._real = real

    def submit(self, receiver: Any, head: bytes, method: bytes, **more: Any) -> Any:
        """See :class:`meshproxy.core.ports.UpstreamPool`."""
        self._stage.outcome.head = head
        if self._real is not None:
            return self._real().submit(receiver, head, method, **more)
        self._stage.finish()
        return _Nothing()


class _Nothing:
    """An upstream exchange with nobody at its other end."""

    def write_body(self, data: bytes) -> None: ...
    def finish_body(self) -> None: ...
    def pause_answer(self) -> None: ...
    def resume_answer(self) -> None: ...
    def cancel(self) -> None: ...


class _Unheard:
    """What a lane is told and a rehearsal has no use for."""

    def send_interim(self, head: bytes) -> None: ...
    def flush_answer(self) -> None: ...
    def continue_request(self) -> None: ...
    def send_raw(self, data: bytes) -> None: ...
    def close_tunnel(self, clean: bool) -> None: ...
    def half_close_tunnel(self) -> bool:
        return False

    def pause_reading(self, why: int) -> None: ...
    def resume_reading(self, why: int) -> None: ...


class Stage(_Unheard):
    """The lane of one rehearsed request (:class:`meshproxy.web.relay.Lane`), and where it ends."""

    def __init__(self, gateway: Gateway, peer: Peer, clock: Any) -> None:
        self.gateway = gateway
        self.peer = peer
        self.scheme = "http"
        self.forwarded_for = gateway.trust.forwarded_for(peer, Claimed(False, peer.address))
        self.exchange: Exchange | None = None
        self.outcome = Outcome()
        self._clock = clock
        self._enough: Any = None
        self._done: Deferred[None] | None = Deferred()

    async def play(self, head: bytes, watch: Callable[[ProtectedService], None], *, browser: bool = True) -> Outcome:
        """Let the request go its way as far as it goes.

        :param watch: is shown the service before it is asked anything.
        :param browser: a GET that does not say what it is for is a navigation.
        """
        outcome, done = self.outcome, self._done
        try:
            relay = self._read(head, browser)
        except Malformed as error:
            outcome.status, outcome.reason = error.status, error.reason
            return outcome
        if relay is None:
            return outcome
        outcome.relay, outcome.service = relay, relay.service
        watch(relay.service)
        relay.start()
        if done is not None:
            await done
        relay.client_gone(True)
        return outcome

    def _read(self, head: bytes, browser: bool) -> Relay | None:
        outcome = self.outcome
        reader = HeadReader(self.gateway.limits)
        rest = reader.feed(head)
        if rest is None:
            raise Malformed(400, "the head is not complete")
        facts = outcome.facts = inspect(reader.method, reader.target, reader.version, reader.fields)
        if browser and reader.method in (b"GET", b"HEAD") and _says_nothing(facts):
            facts.accept = b"text/html"
        if facts.max_forwards == 0 or facts.options_star:
            outcome.own = True
            return None
        relay = self.gateway.relay_for(self, reader.method, reader.target, reader.fields, facts)
        outcome.exchange = self.exchange
        outcome.own = relay is None
        return relay

    def finish(self) -> None:
        """Everything is known."""
        if self._enough is not None and self._enough.active():
            self._enough.cancel()
        done, self._done = self._done, None
        if done is not None:
            exchange = self.exchange
            if exchange is not None:
                self.outcome.event, self.outcome.reason = exchange.event, exchange.reason
            done.callback(None)

    # ---------------------------------------------------------------- what a relay tells its lane

    def answer_own(self, answer: Answer, request_id: bytes) -> None:
        """Meshproxy answers."""
        self.outcome.answer, self.outcome.status = answer, answer.status
        self.finish()

    def begin_answer(self, relay: Relay, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool,
                     set_cookies: tuple[bytes, ...]) -> None:
        """The service answers."""
        self.outcome.sent_status, self.outcome.sent_fields = status, list(fields)
        self._enough = self._clock.callLater(_ENOUGH_FOR, self.finish)

    def send_body(self, data: bytes) -> None:
        """A piece of its body."""
        outcome = self.outcome
        outcome.sent_body += data[: max(0, _BODY_BYTES - len(outcome.sent_body))]
        if outcome.exchange is not None and outcome.exchange.body_out_bytes > _ENOUGH_BYTES:
            self.finish()

    def end_answer(self) -> None:
        """The whole of it is there."""
        self.outcome.sent_whole = True
        self.finish()

    def cut_answer(self) -> None:
        """It broke off."""
        self.outcome.sent_cut = True
        self.finish()

    def open_tunnel(self, relay: object, head: bytes) -> bytes:
        """A tunnel: that it opens is all that was asked."""
        self.outcome.sent_status, self.outcome.sent_whole = 101, True
        self._clock.callLater(0, self.finish)
        return b""


def _as_lane(stage: Stage) -> Lane:
    """For the type checker: a stage is whatever a lane has to be."""
    return stage


def _says_nothing(facts: Facts) -> bool:
    return facts.sec_fetch_mode is None and facts.sec_fetch_dest is None and facts.accept is None and not facts.upgrade
