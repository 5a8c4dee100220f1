"""Which head goes to the service? Strip, then inject: one pass over the fields, compiled per service at start-up.

The rule: what the browser made up never arrives. Host, ``X-Forwarded-*``, framing and identity are set, never added to
what came; everything else goes on with its case and order (wire-rules §0.1–0.3, §1.2). ``explain`` passes ``trace`` and so
reads what this very code does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from .cookie_field import split
from .disposition import SET_BY_US, Action, Disposition, Dispositions, Fate, FieldTrace, traced
from .fields import HOP_BY_HOP, fold, is_token, valid_value
from .heads import Field
from .inspection import Facts, Malformed
from .memo import Memo
from .naming import Naming
from .places import Origin, Upstream
from .policy import RequestSettings, RouteSettings
from .target import valid_bytes

_NOT_A_PLUGINS = SET_BY_US | HOP_BY_HOP | {b"host", b"content-length", b"expect"}
_Treated = tuple[bytes | None, str, str]


class ForwardedService(Protocol):
    """What of a service's settings decides its heads; :class:`meshproxy.settings.ServiceSettings` is one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def upstream(self) -> Upstream: ...  # noqa: D102
    @property
    def route(self) -> RouteSettings: ...  # noqa: D102
    @property
    def request(self) -> RequestSettings: ...  # noqa: D102


class ForwardingPlan:
    """How requests to one service are rewritten. Immutable but for what it remembers of names, which is bounded.

    :param public: the route's public origin: scheme and port of ``public_url``, host of the route.
    :param managed: folded names that rewriters of any service set, less those that browsers send for good reasons
        (:func:`meshproxy.core.fields.managed_everywhere`).
    :param own: folded names that this service's rewriters set, all of them.
    :param cookie_name: the session cookie's name: never goes upstream.
    """

    def __init__(
        self, service: ForwardedService, public: Origin, managed: frozenset[bytes], own: frozenset[bytes], cookie_name: bytes
    ) -> None:
        self._naming = Naming(service.upstream, service.route, service.request, public)
        self._cookie_name = cookie_name
        self._via = service.request.via
        table = Dispositions(service.request, managed, own)
        self._dispositions: Memo[Disposition] = Memo(table.of)
        # The usual field costs one lookup here: how its line begins where it is kept, b"" where it is dropped, None
        # where its value decides. It holds nothing that the dispositions do not say.
        self._starts: Memo[bytes | None] = Memo(self._start)
        self._constants = self._constant_fields(service.route, public)
        self._line = b" " + self._naming.base
        lines = b"".join(b"%b: %b\r\n" % field for field in self._constants)
        self._after_host = b"\r\n" + lines + b"X-Forwarded-For: "
        self._opening = b" HTTP/1.1\r\nHost: " + self._naming.host + self._after_host

    def head(
        self,
        method: bytes,
        target: bytes,
        facts: Facts,
        fields: Iterable[Field],
        *,
        cookie: bytes | None,
        forwarded_for: bytes,
        identity: bytes,
        request_id: bytes,
        drop_authorization: bool = False,
        websocket: bool = False,
        preserve_authority: str = "",
        trace: list[FieldTrace] | None = None,
        identity_by: Mapping[bytes, str] | None = None,
    ) -> bytes:
        """The complete head that goes to the service.

        :param target: path (as the route forwards it) and query, in origin-form.
        :param cookie: what remains of ``Cookie`` without ours; ``b""``: no such field; ``None``: not known yet.
        :param forwarded_for: the value of ``X-Forwarded-For``.
        :param identity: the rewriters' fields as ready lines, each with its CRLF.
        :param drop_authorization: a provider consumed the browser's ``Authorization``.
        :param websocket: a valid handshake goes on as one.
        :param preserve_authority: the client's authority, for ``host = "preserve"``.
        :param trace: gets what became of each field.
        :param identity_by: for the trace: which rewriter set which of the identity's names.
        :raises Malformed: 508 where ``via`` is on and the request has come through us already.
        """
        out: list[bytes] = []
        self._begin(out, method, target, forwarded_for, preserve_authority, trace)
        self._pass(out, fields, facts, cookie, drop_authorization, trace)
        self._end(out, facts, request_id, identity, websocket, trace, identity_by)
        return b"".join(out)

    def kept(
        self, facts: Facts, fields: Iterable[Field], *, cookie: bytes | None, drop_authorization: bool = False,
        trace: list[FieldTrace] | None = None,
    ) -> list[Field]:
        """The browser's fields that go on, for plugins that rewrite requests; :meth:`assemble` makes a head of what they return.

        :raises Malformed: as :meth:`head`.
        """
        out: list[bytes] = []
        self._pass(out, fields, facts, cookie, drop_authorization, trace)
        return [(start[2:-2], value) for start, value in zip(out[::2], out[1::2], strict=True)]

    def assemble(
        self,
        kept: Sequence[Field],
        method: bytes,
        target: bytes,
        facts: Facts,
        *,
        forwarded_for: bytes,
        identity: bytes,
        request_id: bytes,
        websocket: bool = False,
        preserve_authority: str = "",
        trace: list[FieldTrace] | None = None,
        identity_by: Mapping[bytes, str] | None = None,
    ) -> bytes:
        """The head of fields that a plugin returned: Host, framing, ``X-Forwarded-*`` and our cookie are set as always.

        :raises ValueError: when a field or the request line would not be what it seems: the plugin's fault.
        """
        if not is_token(method) or not target.startswith(b"/") or not valid_bytes(target):
            raise ValueError("method or target would not be one request line")
        out: list[bytes] = []
        self._begin(out, method, target, forwarded_for, preserve_authority, trace)
        for name, value in kept:
            if not is_token(name) or not valid_value(value):
                raise ValueError("a field would not be one field")
            folded = fold(name)
            if folded == b"cookie":
                value = split(value, self._cookie_name)[1]
            if folded not in _NOT_A_PLUGINS and (value or folded != b"cookie"):
                out += (b"\r\n%b: " % name, value)
        self._end(out, facts, request_id, identity, websocket, trace, identity_by)
        return b"".join(out)

    def request_line(self, method: bytes, target: bytes) -> bytes:
        """As it goes upstream."""
        return method + self._line + target + b" HTTP/1.1"

    def host(self, preserve_authority: str = "") -> bytes:
        """The Host that goes upstream."""
        return self._naming.host or preserve_authority.encode()

    def _constant_fields(self, route: RouteSettings, public: Origin) -> list[Field]:
        fields = [
            (b"X-Forwarded-Host", public.authority.encode()),
            (b"X-Forwarded-Proto", public.scheme.encode()),
            (b"X-Forwarded-Port", b"%d" % public.port),
        ]
        prefix = self._naming.stripped
        return [*fields, (b"X-Forwarded-Prefix", prefix), (b"X-Script-Name", prefix)] if prefix else fields

    def _start(self, name: bytes) -> bytes | None:
        fate = self._dispositions[name].fate
        if fate is Fate.KEEP:
            return b"\r\n%b: " % name
        return b"" if fate in (Fate.DROP, Fate.FRAMING) else None

    def _begin(
        self, out: list[bytes], method: bytes, target: bytes, forwarded_for: bytes, preserve_authority: str, trace: list[FieldTrace] | None
    ) -> None:
        """Request line, Host and ``X-Forwarded-*``. No piece ends with CRLF: each field brings the one before it."""
        if self._naming.host:
            out += (method, self._line, target, self._opening, forwarded_for)
        else:
            host = preserve_authority.encode()
            out += (method, self._line, target, b" HTTP/1.1\r\nHost: ", host, self._after_host, forwarded_for)
        if trace is not None:
            trace += [traced(name, "set", value, "meshproxy", "the name that the browser knows") for name, value in self._constants]
            trace.append(traced(b"X-Forwarded-For", "set", forwarded_for, "meshproxy", "who asks, as far as it is believed"))

    def _pass(
        self, out: list[bytes], fields: Iterable[Field], facts: Facts, cookie: bytes | None, drop_authorization: bool,
        trace: list[FieldTrace] | None,
    ) -> None:
        """The one pass over the browser's fields: appends line beginnings and values, in turn."""
        # With a trace, or names that Connection takes away, every field is looked at; the table is the same.
        quick = self._starts if trace is None and not facts.connection_tokens else None
        for name, value in fields:
            start = None if quick is None else quick[name]
            if start:
                out += (start, value)
            elif start is None:
                disposition = self._dispositions[name]
                if disposition.fate is Fate.COOKIE and cookie is None:
                    cookie = split(facts.cookie, self._cookie_name)[1]
                kept, by, why = self._treat(disposition, name, value, facts, cookie, drop_authorization)
                if disposition.fate is Fate.COOKIE:
                    cookie = b""  # the first line has brought all
                if kept is not None:
                    out += (b"\r\n%b: " % name, kept)
                if trace is not None and disposition.fate is not Fate.FRAMING:
                    trace.append(traced(name, _action(disposition.fate, value, kept), kept or value, by, why))

    def _treat(
        self, disposition: Disposition, name: bytes, value: bytes, facts: Facts, cookie: bytes | None, drop_authorization: bool
    ) -> _Treated:
        """The value that goes on (``None``: the field does not), who wants it so, and why."""
        fate, by, why = disposition.fate, disposition.by, disposition.why
        if fate is Fate.DROP or fate is Fate.FRAMING:
            return None, by, why
        if facts.connection_tokens and fold(name) in facts.connection_tokens:
            return None, "hop-by-hop", "Connection names it"
        if fate is Fate.COOKIE:
            if not cookie:
                return None, "meshproxy", "it held meshproxy's own cookies alone, or is joined with the line before"
            return cookie, by, why if cookie == value else "end-to-end, without meshproxy's own, all lines as one"
        if fate is Fate.AUTHORIZATION and drop_authorization:
            return None, "identity provider", "it was meant for meshproxy"
        if fate is Fate.MAX_FORWARDS and facts.max_forwards is not None:
            return b"%d" % max(facts.max_forwards - 1, 0), "meshproxy", "one hop less"
        if fate is Fate.VIA:
            _refuse_loop(value)
        rewritten = value
        if fate is Fate.ORIGIN:
            rewritten = self._naming.origin_for_service(value)
        elif fate is Fate.REFERER:
            rewritten = self._naming.referer_for_service(value)
        elif fate is Fate.DESTINATION:
            rewritten = self._naming.destination_for_service(value)
        return (rewritten, by, why) if rewritten != value else (value, "browser", "end-to-end")

    def _end(
        self, out: list[bytes], facts: Facts, request_id: bytes, identity: bytes, websocket: bool,
        trace: list[FieldTrace] | None, identity_by: Mapping[bytes, str] | None,
    ) -> None:
        """Framing, our own fields, identity, the empty line."""
        ours: list[tuple[bytes, bytes, str, str]] = []
        if self._via:
            ours.append((b"Via", b"1.0 meshproxy" if facts.http10 else b"1.1 meshproxy", "[request] via", "RFC 9110 §7.6.3"))
        if websocket:
            out.append(b"\r\nConnection: Upgrade")
            ours.append((b"Upgrade", b"websocket", "meshproxy", "a WebSocket handshake"))
        elif facts.te_trailers:
            out.append(b"\r\nConnection: TE")
            ours.append((b"TE", b"trailers", "meshproxy", "the client takes trailers"))
        for name, value, _by, _why in ours:
            out.append(b"\r\n%b: %b" % (name, value))
        if facts.content_length is not None:
            out.append(b"\r\nContent-Length: %d" % facts.content_length)
        elif facts.chunked:
            out.append(b"\r\nTransfer-Encoding: chunked")
        out += (b"\r\nX-Request-Id: ", request_id, b"\r\n", identity, b"\r\n")
        if trace is not None:
            for name, value, by, why in ours:
                beside = any(one.name.lower() == name.decode().lower() and one.action != "drop" for one in trace)
                trace.append(traced(name, "add" if beside else "set", value, by, why))
            trace.append(traced(b"X-Request-Id", "set", request_id, "meshproxy", "every request gets one id"))
            for line in identity.split(b"\r\n")[:-1]:
                name, _colon, value = line.partition(b":")
                by = (identity_by or {}).get(name, "rewriter")
                trace.append(traced(name, "set", value.strip(), by, "it tells the service who is there"))


def _action(fate: Fate, came: bytes, kept: bytes | None) -> Action:
    """What is told of a field: others' cookies are kept, whatever of ours stood between them."""
    if kept is None:
        return "drop"
    return "keep" if kept == came or fate is Fate.COOKIE else "set"


def _refuse_loop(via: bytes) -> None:
    """A request that has our own token in ``Via`` would go round for ever (RFC 5842 §7.2)."""
    for hop in via.lower().split(b","):
        if hop.split()[1:2] == [b"meshproxy"]:
            raise Malformed(508, "the request has come through meshproxy already")
