"""Who takes a request's body? A relay, a rendered request, or nobody."""

from __future__ import annotations

from typing import Protocol


class BodySink(Protocol):
    """Who takes a request's body."""

    def request_data(self, data: bytes) -> None:
        """A piece of it."""

    def request_end(self) -> None:
        """All of it has come."""

    def client_gone(self, clean: bool) -> None:
        """The connection is lost (``clean``: the client closed it) before the answer was complete."""


class Unread:
    """A request that was answered at once; its body interests nobody."""

    def request_data(self, data: bytes) -> None:
        """A piece of it."""

    def request_end(self) -> None:
        """All of it."""

    def client_gone(self, clean: bool) -> None:
        """It was answered anyway."""
