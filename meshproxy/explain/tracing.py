"""Who did what to which field? Watchers that stand between the gateway and a service's compiled rules, and let everything through.

The rule: they change nothing and decide nothing. The head that goes upstream is the one that the forwarding plan made; what is told of
it comes from the plan's own trace, and from what each rewriter was given and gave back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api import RequestHead, SignedIn
from ..core.disposition import FieldTrace, traced
from ..core.forwarding import ForwardingPlan
from ..core.heads import Field
from ..rewriting import IdentityBlock, Rewriting

_FRAMING = frozenset((b"host", b"connection", b"content-length", b"transfer-encoding"))
_LAST_OF_OURS = "X-Forwarded-For"  # the plan's own constants end with it; the browser's fields follow


class Trace:
    """What became of one request's fields.

    :ivar fields: in the order of the outgoing head, with what was dropped where it stood.
    """

    def __init__(self) -> None:
        self.fields: list[FieldTrace] = []
        self.identity_by: dict[bytes, str] = {}

    def watch(self, service: Any) -> None:
        """Stand between a compiled service (:class:`meshproxy.web.protected.ProtectedService`) and whoever asks it."""
        service.rewriting = WatchedRewriting(service.rewriting, self)
        service.forwarding = WatchedPlan(service.forwarding, self)


class WatchedRewriting:
    """A service's rewriters, seen at work."""

    def __init__(self, rewriting: Rewriting, trace: Trace) -> None:
        self._rewriting = rewriting
        self._trace = trace
        self.needs_token = rewriting.needs_token
        self.per_request = tuple(_WatchedRewriter(one) for one in rewriting.per_request)

    def identity(self, signed_in: SignedIn) -> IdentityBlock:
        """As :meth:`Rewriting.identity`."""
        block = self._rewriting.identity(signed_in)
        self._trace.identity_by = {name: by for name, _, by in block.fields}
        return block


class _WatchedRewriter:
    """One that sees every request: what it was given, what it gave back."""

    def __init__(self, rewriter: Any) -> None:
        self._rewriter = rewriter
        self.name: str = rewriter.name
        self.before: tuple[Field, ...] = ()
        self.after: tuple[Field, ...] = ()

    def rewrite_request(self, head: RequestHead, principal: Any) -> RequestHead:
        changed: RequestHead = self._rewriter.rewrite_request(head, principal)
        self.before, self.after = tuple(head.fields), tuple(changed.fields)
        return changed

    def rewrite_response(self, head: Any, principal: Any) -> Any:
        return self._rewriter.rewrite_response(head, principal)


class WatchedPlan:
    """A service's forwarding plan, with the trace that it writes for whoever asks."""

    def __init__(self, plan: ForwardingPlan, trace: Trace) -> None:
        self._plan = plan
        self._trace = trace
        self._passed: list[FieldTrace] = []

    def head(self, *arguments: Any, **more: Any) -> bytes:
        """As :meth:`ForwardingPlan.head`."""
        self._trace.fields = []
        return self._plan.head(*arguments, **more, trace=self._trace.fields, identity_by=self._trace.identity_by)

    def kept(self, *arguments: Any, **more: Any) -> list[Field]:
        """As :meth:`ForwardingPlan.kept`."""
        self._passed = []
        return self._plan.kept(*arguments, **more, trace=self._passed)

    def assemble(self, kept: Sequence[Field], *arguments: Any, **more: Any) -> bytes:
        """As :meth:`ForwardingPlan.assemble`."""
        around: list[FieldTrace] = []
        head = self._plan.assemble(kept, *arguments, **more, trace=around, identity_by=self._trace.identity_by)
        ours = next(index for index, one in enumerate(around) if one.name == _LAST_OF_OURS) + 1
        self._trace.fields = [*around[:ours], *self._passed, *around[ours:]]
        return head


def with_rewriters(fields: Sequence[FieldTrace], rewriting: Any) -> list[FieldTrace]:
    """The trace with what the rewriters that see every request took out and put in, in their order."""
    told = list(fields)
    for rewriter in getattr(rewriting, "per_request", ()):
        for name, value in (field for field in rewriter.before if field not in rewriter.after):
            shown = traced(name, "drop", value, rewriter.name, "its rewrite_request took it out")
            for index, one in enumerate(told):
                if one.action != "drop" and (one.name, one.value) == (shown.name, shown.value):
                    told[index] = shown
                    break
        known = {name.lower() for name, _ in rewriter.before}
        told += [
            traced(name, "set" if name.lower() in known else "add", value, rewriter.name, "its rewrite_request put it in")
            for name, value in rewriter.after if (name, value) not in rewriter.before
        ]
    return told


def as_sent(told: Sequence[FieldTrace], head: bytes) -> list[FieldTrace]:
    """The trace in the order of the head that went out, and of nothing that did not; what was dropped stands where it stood, or last."""
    wire = [traced(name, "set", value, "rewriter", "it stands in the outgoing head") for name, value in outgoing_fields(head)]
    if [(one.name, one.value) for one in told if one.action != "drop"] == [(one.name, one.value) for one in wire]:
        return list(told)
    rest = list(told)
    found = []
    for sent in wire:
        known = next((one for one in rest if one.action != "drop" and (one.name, one.value) == (sent.name, sent.value)), None)
        if known is not None:
            rest.remove(known)
        found.append(known or sent)
    return found + [one for one in rest if one.action == "drop"]


def outgoing_fields(head: bytes) -> list[Field]:
    """The fields of an outgoing head, less Host and framing."""
    fields = []
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b": ")
        if name.lower() not in _FRAMING:
            fields.append((name, value))
    return fields
