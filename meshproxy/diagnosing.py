"""What failed, in the words of the diagnosis? The request path's door to :mod:`meshproxy.core.diagnosis`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .core.diagnosis import local_reply
from .core.heads import Field
from .settings import Settings


class Diagnosing:
    """Diagnoses for one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._mesh = settings.mesh

    def may_be_local_reply(self, status: int, fields: Iterable[Field], length: int | None, no_body: bool) -> bool:
        """Whether the body of an answer has to be seen before it is known whose it is."""
        return self._mesh and local_reply.may_be(status, fields, length, no_body)

    def is_local_reply(self, status: int, fields: Iterable[Field], body: bytes) -> bool:
        """Whether an answer is a sidecar's beyond doubt."""
        return self._mesh and local_reply.certain(status, fields, body)

    def __call__(self, evidence: Any, relay: Any) -> Any:
        """The diagnosis of a failed request."""
        from types import SimpleNamespace
        return SimpleNamespace(answered_by="nobody", cause="unknown", because=(evidence.error,), hints=(), confidence="likely", also=())
