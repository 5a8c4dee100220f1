"""What does a relay ask of the browser's side? Our own channel is a lane, and so is a ``twisted.web.Request``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..core.heads import Answer, Field
    from .relay import Relay
    from .tunnelling import Tunnelling


class Lane(Protocol):
    """The downstream side of a relay: our own channel, or a ``twisted.web.Request`` (:mod:`meshproxy.web.resource`)."""

    def begin_answer(self, relay: Relay, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool,
                     set_cookies: tuple[bytes, ...]) -> None:
        """The head of a service's answer; ``length`` and ``no_body`` as of :meth:`meshproxy.core.ports.UpstreamReceiver.answer_started`."""

    def send_interim(self, head: bytes) -> None:
        """An interim answer, complete."""

    def send_body(self, data: bytes) -> None:
        """A piece of the answer's body."""

    def flush_answer(self) -> None:
        """No more of the answer is here now: send what was collected."""

    def end_answer(self) -> None:
        """The answer is complete."""

    def cut_answer(self) -> None:
        """The answer broke off: the client must see that it is not complete."""

    def answer_own(self, answer: Answer, request_id: bytes) -> None:
        """The whole answer is ours."""

    def continue_request(self) -> None:
        """The decision fell: the client may send its body."""

    def open_tunnel(self, relay: Tunnelling, head: bytes) -> bytes:
        """Send the 101 and switch to raw bytes; returns those that came early."""

    def send_raw(self, data: bytes) -> None:
        """Bytes of a tunnel."""

    def close_tunnel(self, clean: bool) -> None:
        """The tunnel is over (``clean``: with FIN, else RST)."""

    def half_close_tunnel(self) -> bool:
        """The service sent FIN: pass it on, and go on reading; ``False`` where this transport cannot, or nobody is there to be read."""

    def pause_reading(self, why: int) -> None:
        """Take no more of the request's body, for one more reason."""

    def resume_reading(self, why: int) -> None:
        """That reason is gone."""
