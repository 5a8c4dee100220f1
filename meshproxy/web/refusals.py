"""What does meshproxy answer when it does not forward, or when what it forwarded failed? One answer for each way out.

Every method fills the request's record (event, reason, who answered, cause) and returns the answer; none of them sends.
What an operator may see and everybody else may not (diagnosis.md §6) is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..core.access import is_operator
from ..core.evidence import Evidence
from ..core.heads import Answer
from ..core.verdict import Challenge, Refuse, is_navigation

if TYPE_CHECKING:
    from ..core.exchange import Exchange
    from ..core.heads import Field
    from ..core.inspection import Facts, Malformed
    from ..diagnosing import Diagnosing
    from ..settings import Settings
    from .pages import Pages
    from .relay import Relay

#: what the client gets when there is no answer to pass on (RFC 9110 §15.6)
_FAILED_STATUS = {"timeout": 504, "overload": 503, "aborted": 502}
_RETRY_AFTER = 5  # seconds


class Refusals:
    """Answers of meshproxy's own, with the right words for the person and the right details for the operator."""

    def __init__(self, settings: Settings, pages: Pages, handoff: Any, diagnosing: Diagnosing) -> None:
        self._settings = settings
        self._pages = pages
        self._handoff = handoff
        self._diagnose = diagnosing
        self.may_be_local_reply = diagnosing.may_be_local_reply
        self.is_local_reply = diagnosing.is_local_reply
        self.passed = diagnosing.passed
        self._public = str(settings.public_url)

    # ---------------------------------------------------------------- requests that are none

    def malformed(self, exchange: Exchange, error: Malformed, facts: Facts | None = None) -> Answer:
        """A request that the wire rules refuse: 400 and its relatives."""
        exchange.event = "request.refused"
        exchange.reason = error.reason
        return self._problem(exchange, error.status, error.reason, html=facts is not None and wants_html(facts))

    # ---------------------------------------------------------------- verdicts

    def refuse(self, relay: Relay, verdict: Refuse) -> Answer:
        """Not allowed, or not like this."""
        exchange = relay.exchange
        exchange.event = "request.refused"
        exchange.reason = verdict.reason
        reason = verdict.reason if verdict.needs or verdict.status != 403 or self._operator(relay) else ""
        return self._problem(exchange, verdict.status, reason, html=wants_html(relay.facts), needs=verdict.needs,
                             forbidden=verdict.status == 403)

    def challenge(self, relay: Relay, verdict: Challenge, *, again: bool = False) -> Answer:
        """Nobody is logged in: a navigation by GET goes to the login, everything else gets 401 and where to log in.

        :param again: somebody is, but the login has to be made anew: the login must not go straight back.
        """
        exchange = relay.exchange
        if verdict.navigation and relay.method in (b"GET", b"HEAD"):
            return self.to_login(relay, verdict.reason, again=again)
        exchange.event = "request.challenged"
        exchange.challenged = True
        exchange.reason = verdict.reason
        return self._unauthorized(relay, verdict.reason)

    def to_login(self, relay: Relay, reason: str, *, again: bool = False) -> Answer:
        """302 to the login, which comes back to this very URL; from another host than ``public_url`` by the hand-off."""
        exchange = relay.exchange
        exchange.event = "request.challenged"
        exchange.challenged = True
        exchange.reason = reason
        location, cookies = self._login(relay)
        location += "&again=1" if again else ""
        fields: list[Field] = [(b"Location", location.encode("ascii"))]
        fields += [(b"Set-Cookie", cookie) for cookie in cookies]
        return Answer(302, tuple(fields), b"")

    def rejected(self, relay: Relay, why: str) -> Answer:
        """Credentials were sent, and they are wrong: 401, the reason to the log alone."""
        exchange = relay.exchange
        exchange.event = "request.challenged"
        exchange.challenged = True
        exchange.reason = why
        answer = self._unauthorized(relay, "the credentials are not accepted")
        fields = tuple(field for field in answer.fields if field[0] != b"WWW-Authenticate")
        return Answer(401, (*fields, (b"WWW-Authenticate", b'Bearer realm="meshproxy", error="invalid_token"')), answer.body)

    def navigation(self, relay: Relay) -> bool:
        """Whether a person's browser asks for a page, so that a redirect makes sense."""
        return relay.method == b"GET" and is_navigation(relay.method, relay.facts)

    # ---------------------------------------------------------------- our own trouble

    def unavailable(self, relay: Relay, why: str) -> Answer:
        """Something that a decision needs is down: 503, come back soon, nobody is logged out."""
        exchange = relay.exchange
        exchange.event = "request.failed"
        exchange.reason = why
        exchange.answered_by, exchange.cause = "meshproxy", ""
        return self._problem(exchange, 503, "", html=wants_html(relay.facts), retry_after=_RETRY_AFTER)

    def broken(self, relay: Relay, why: str) -> Answer:
        """A plugin or meshproxy itself broke: 500, nothing was forwarded."""
        exchange = relay.exchange
        exchange.event = "request.failed"
        exchange.reason = why
        exchange.answered_by = "meshproxy"
        return self._problem(exchange, 500, why if self._operator(relay) else "", html=wants_html(relay.facts))

    # ---------------------------------------------------------------- the service's trouble

    def failed(self, relay: Relay, evidence: Evidence) -> Answer:
        """There was no answer to pass on."""
        exchange = relay.exchange
        exchange.event = "request.failed"
        diagnosis = self._diagnose(evidence, relay)
        exchange.diagnosis = diagnosis
        exchange.answered_by, exchange.cause = diagnosis.answered_by, diagnosis.cause
        exchange.reason = diagnosis.because[0] if diagnosis.because else diagnosis.cause
        status = _FAILED_STATUS.get(evidence.end, 502)
        return self._problem(exchange, status, "", html=wants_html(relay.facts), diagnosis=diagnosis if self._operator(relay) else None,
                             retry_after=_RETRY_AFTER if status == 503 else None)

    def local_reply(self, relay: Relay, status: int, fields: list[Field], body: bytes) -> Answer:
        """An answer that is certainly a sidecar's: its status, our page, the diagnosis for operators."""
        exchange = relay.exchange
        exchange.event = "request.failed"
        evidence = Evidence(phase="head", end="answered", status=status, fields=tuple(fields), body=body, body_complete=True)
        exchange.evidence = evidence
        diagnosis = self._diagnose(evidence, relay)
        exchange.diagnosis = diagnosis
        exchange.answered_by, exchange.cause = diagnosis.answered_by, diagnosis.cause
        exchange.reason = diagnosis.because[0] if diagnosis.because else diagnosis.cause
        return self._problem(exchange, status, "", html=wants_html(relay.facts), diagnosis=diagnosis if self._operator(relay) else None,
                             source="sidecar")

    # ---------------------------------------------------------------- parts

    def _operator(self, relay: Relay) -> bool:
        principal = relay.exchange.principal
        return principal is not None and is_operator(self._settings.operators, principal)

    def _login(self, relay: Relay) -> tuple[str, tuple[bytes, ...]]:
        """The URL of the login for this request, and the cookies that go with it."""
        facts = relay.facts
        to = (facts.path + facts.query).decode("latin-1")
        if facts.host == self._settings.public_url.host:
            return f"{self._public}/_meshproxy/login?to={quote(to, safe='')}", ()
        origin = self._settings.public_url
        here = type(origin)(origin.scheme, facts.host, origin.port)
        value, cookies = self._handoff.begin(facts.host, f"{here}{to}", relay.exchange.started_at, facts.cookie)
        return f"{self._public}/_meshproxy/login?{value}", cookies

    def _unauthorized(self, relay: Relay, reason: str) -> Answer:
        facts = relay.facts
        to = (facts.path + facts.query).decode("latin-1") if relay.method in (b"GET", b"HEAD") else facts.path.decode("latin-1")
        if facts.host == self._settings.public_url.host:
            login_url = f"{self._public}/_meshproxy/login?to={quote(to, safe='')}"
        else:  # the hand-off needs a cookie on that host: its own login endpoint begins it
            origin = self._settings.public_url
            login_url = f"{type(origin)(origin.scheme, facts.host, origin.port)}/_meshproxy/login?to={quote(to, safe='')}"
        return self._pages.problem(401, html=wants_html(facts) and not facts.upgrade_websocket, reason=reason,
                                   request_id=relay.exchange.request_id.decode("ascii"), login_url=login_url)

    def _problem(self, exchange: Exchange, status: int, reason: str, *, html: bool, needs: tuple[str, ...] = (), forbidden: bool = False,
                 retry_after: int | None = None, diagnosis: Any = None, source: str = "meshproxy") -> Answer:
        return self._pages.problem(
            status, html=html, reason=reason, request_id=exchange.request_id.decode("ascii"), needs=needs, retry_after=retry_after,
            diagnosis=diagnosis, source=source,
        )


def wants_html(facts: Facts) -> bool:
    """Whether a person will read the answer: a navigation, or an ``Accept`` that names HTML."""
    if facts.sec_fetch_mode is not None:
        return facts.sec_fetch_mode in (b"navigate", b"nested-navigate")
    return facts.accept is not None and b"text/html" in facts.accept
