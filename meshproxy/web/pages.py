"""How does an answer of meshproxy's own look? HTML for people, JSON for programs, with the fields that keep both safe.

Templates are compiled at start, so a problem page costs its rendering and nothing else. A template in ``conf/templates/``
takes the place of ours of the same name; where it breaks while rendering, ours is shown and the log says so: an error page
never fails. No page has inline script or style, and the policy that goes with it (CSP) allows none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError
from twisted.logger import Logger

from ..config.wrong import did_you_mean
from ..core.heads import Answer, Field
from ..problems import ConfError, Problem
from ..settings import Settings
from .assets import Assets
from .problem_words import words

_log = Logger()
_PACKAGED = Path(__file__).with_name("templates")
_HTML = (b"Content-Type", b"text/html; charset=utf-8")
_JSON = (b"Content-Type", b"application/json")
_COMMON: tuple[Field, ...] = (
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"same-origin"),
    (b"X-Content-Type-Options", b"nosniff"),
)
#: statuses whose request had no host of ours (or none that can be trusted), so that our files must come from the public one
_HOMELESS = frozenset({400, 421})
_NOBODY: Mapping[str, object] = {"person": "", "csrf": ""}


class Pages:
    """Every page of one configuration. Raises :class:`ConfError` where a template of the operator's does not compile.

    :ivar files: the operator's own templates, stylesheet and icons that are in use; a change of one means a reload.
    :ivar warnings: what is wrong and does not matter enough to stop.
    """

    def __init__(self, settings: Settings, conf_dir: Path) -> None:
        self.assets = Assets(conf_dir, (service.icon for service in settings.services))
        self.warnings: list[Problem] = self.assets.problems
        self._public = str(settings.public_url)
        self._site = settings.public_url.authority
        overrides = conf_dir / "templates"
        names = sorted(path.name for path in _PACKAGED.glob("*.html"))
        self._ours = {name: _environment(_PACKAGED).get_template(name) for name in names}
        self._templates = _compiled(names, overrides)
        self.files = frozenset(self.assets.files | {path for path in overrides.glob("*.html") if overrides.is_dir()})
        self._policies = {away: _policy((), self._public if away else "") for away in (False, True)}

    # ---------------------------------------------------------------- pages

    def page(self, name: str, *, away: bool = False, **context: Any) -> bytes:
        """The HTML of one template.

        :param away: the page's own host may have no files of ours: take them from the host of ``public_url``.
        """
        base = self._public if away else ""
        context = {
            **_NOBODY,
            "site": self._site,
            "home": f"{base}/_meshproxy/",
            "asset": lambda asset: base + self.assets.path(asset),
            **context,
        }
        try:
            return self._templates[name].render(context).encode("utf-8", "replace")
        except Exception:
            if self._templates[name] is self._ours[name]:
                raise
            _log.failure("the template {name} of the conf directory broke; meshproxy's own is shown", name=name)
            return self._ours[name].render(context).encode("utf-8", "replace")

    def html(self, status: int, name: str, *, form_action: Iterable[str] = (), fields: Iterable[Field] = (), **context: Any) -> Answer:
        """A whole answer with a page.

        :param form_action: origins besides our own that a form of the page may end at: browsers apply the policy to the
            redirects that follow a form, too.
        """
        origins = tuple(form_action)
        policy = _policy(origins, "") if origins else self._policies[False]
        return Answer(status, (_HTML, policy, *_COMMON, *fields), self.page(name, **context))

    def json(self, status: int, value: Mapping[str, object], *, fields: Iterable[Field] = ()) -> Answer:
        """A whole answer for a program."""
        return Answer(status, (_JSON, *_COMMON, *fields), json.dumps(value).encode("ascii") + b"\n")

    def redirect(self, status: int, location: str, *, fields: Iterable[Field] = ()) -> Answer:
        """302 or 303 to a URL that is safe to go to."""
        return Answer(status, ((b"Location", location.encode("ascii")), *_COMMON, *fields), b"")

    # ---------------------------------------------------------------- problems

    def problem(
        self,
        status: int,
        *,
        html: bool,
        reason: str,
        request_id: str,
        code: str = "",
        needs: Iterable[str] = (),
        login_url: str = "",
        retry_after: int | None = None,
        diagnosis: object = None,
        source: str = "meshproxy",
        fields: Iterable[Field] = (),
    ) -> Answer:
        """The answer to a request that gets none of a service's (contract §4, "JSON").

        :param reason: why, for whoever gets the answer; "" says no more than the status does.
        :param code: the short code of a login attempt.
        :param needs: groups any of which would do.
        :param login_url: where to log in, for 401.
        :param retry_after: seconds.
        :param diagnosis: ``answered_by``, ``cause``, ``confidence``, ``because``, ``hints``, as a mapping or an object: only given where
            an operator asks.
        :param source: ``sidecar`` where the status is its.
        """
        added = [*fields]
        if retry_after is not None:
            added.append((b"Retry-After", b"%d" % retry_after))
        if status == 401:
            challenge = f'Meshproxy login="{login_url}"' if login_url else "Meshproxy"
            added.append((b"WWW-Authenticate", challenge.encode("ascii", "replace")))
        if source != "meshproxy":
            added.append((b"X-Meshproxy-Source", source.encode("ascii")))
        told = _diagnosis(diagnosis)
        if not html:
            return self.json(status, _problem_json(status, reason, request_id, code, tuple(needs), login_url, told), fields=added)
        away = status in _HOMELESS
        body = self.page(
            "problem.html",
            away=away,
            status=status,
            words=words(status),
            eyebrow="",
            reason=_sentence(reason),
            request_id=request_id,
            code=code,
            needs=tuple(needs),
            login_url=login_url,
            diagnosis=told,
        )
        return Answer(status, (_HTML, self._policies[away], *_COMMON, *added), body)


def _environment(*directories: Path) -> Environment:
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(directory) for directory in directories]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def template_problems(conf_dir: Path) -> list[Problem]:
    """What is wrong with the operator's own templates: told together with everything else that is wrong in the conf directory."""
    overrides = conf_dir / "templates"
    try:
        _compiled(sorted(path.name for path in overrides.glob("*.html") if (_PACKAGED / path.name).is_file()), overrides)
    except ConfError as error:
        return list(error.problems)
    return []


def template_warnings(conf_dir: Path) -> list[Problem]:
    """Files among the operator's templates that no page of ours has the name of: they are never read."""
    names = sorted(path.name for path in _PACKAGED.glob("*.html"))
    return [
        Problem(f"templates/{path.name}", "", "no page has this name, so it is never read", did_you_mean(path.name, names))
        for path in sorted((conf_dir / "templates").glob("*.html")) if path.name not in names
    ]


def _compiled(names: Iterable[str], overrides: Path) -> dict[str, Template]:
    """Every template, the operator's before ours; all that do not compile are told at once."""
    environment = _environment(overrides, _PACKAGED)
    templates: dict[str, Template] = {}
    problems = []
    for name in names:
        try:
            templates[name] = environment.get_template(name)
        except TemplateSyntaxError as error:
            problems.append(Problem(f"{overrides.name}/{name}", "", f"line {error.lineno}: {error.message}"))
    if problems:
        raise ConfError(dict.fromkeys(problems))
    return templates


def _policy(form_action: tuple[str, ...], elsewhere: str) -> Field:
    """The Content-Security-Policy of a page of ours: our stylesheet, our images, our forms, and nothing else."""
    own = f"'self' {elsewhere}".strip()
    targets = " ".join(("'self'", *form_action))
    return (
        b"Content-Security-Policy",
        f"default-src 'none'; style-src {own}; img-src {own}; form-action {targets}; frame-ancestors 'none'; base-uri 'none'".encode(
            "ascii"
        ),
    )


def _problem_json(
    status: int, reason: str, request_id: str, code: str, needs: tuple[str, ...], login_url: str, diagnosis: Mapping[str, object] | None
) -> dict[str, object]:
    value: dict[str, object] = {"error": words(status).slug}
    if status == 401:
        value["login_url"] = login_url
    else:
        value["reason"] = reason or words(status).title
    if status == 403:
        value["needs"] = {"groups": list(needs)}
    value["request_id"] = request_id
    if code:
        value["code"] = code
    if diagnosis is not None:
        value["diagnosis"] = diagnosis
    return value


def _diagnosis(diagnosis: object) -> dict[str, object] | None:
    """What operators are shown of a diagnosis, whatever object holds it."""
    if diagnosis is None:
        return None
    read = diagnosis.get if isinstance(diagnosis, Mapping) else lambda name: getattr(diagnosis, name, None)
    return {
        "answered_by": read("answered_by") or "unknown",
        "cause": read("cause") or "unknown",
        "confidence": read("confidence") or "",
        "because": list(read("because") or ()),
        "hints": list(read("hints") or ()),
    }


def _sentence(reason: str) -> str:
    """A reason as people read it: with a capital and a full stop."""
    if not reason:
        return ""
    return reason[0].upper() + reason[1:] + ("" if reason[-1] in ".!?" else ".")
