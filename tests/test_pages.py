"""Problem pages and page answers: :mod:`meshproxy.web.pages`."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.heads import Answer
from meshproxy.core.places import Origin
from meshproxy.problems import ConfError
from meshproxy.settings import Settings
from meshproxy.web.pages import Pages
from meshproxy.web.problem_words import WORDS

PUBLIC = Origin("https", "apps.example.com", 443)


def pages(conf_dir: Path = Path("/nowhere")) -> Pages:
    return Pages(Settings(conf_dir, PUBLIC), conf_dir)


def field(answer: Answer, name: bytes) -> bytes:
    return b", ".join(value for found, value in answer.fields if found == name)


def problem(status: int = 403, **more: Any) -> Answer:
    return pages().problem(status, **{"html": True, "reason": "", "request_id": "r-1", **more})


class JsonTests(SynchronousTestCase):
    """What programs read (contract §4)."""

    def body(self, status: int, **more: Any) -> Any:
        import json

        answer = problem(status, html=False, **more)
        self.assertEqual(field(answer, b"Content-Type"), b"application/json")
        return json.loads(answer.body)

    def test_unauthorized(self) -> None:
        """401 says where to log in, in the body and in ``WWW-Authenticate``."""
        url = "https://apps.example.com/_meshproxy/login?to=%2Fx"
        self.assertEqual(self.body(401, reason="nobody", login_url=url), {"error": "login_required", "login_url": url, "request_id": "r-1"})
        self.assertEqual(field(problem(401, html=False, login_url=url), b"WWW-Authenticate"), f'Meshproxy login="{url}"'.encode())

    def test_forbidden(self) -> None:
        """403 says which groups would do, and an empty list where none would."""
        self.assertEqual(
            self.body(403, reason="no", needs=("sre", "dev")),
            {"error": "forbidden", "reason": "no", "needs": {"groups": ["sre", "dev"]}, "request_id": "r-1"},
        )
        self.assertEqual(self.body(403)["needs"], {"groups": []})

    def test_every_other_status(self) -> None:
        """The other errors have a name that stays, a reason and the request id, and nothing else."""
        for status in set(WORDS) - {401, 403}:
            with self.subTest(status=status):
                self.assertEqual(
                    self.body(status, reason="because"), {"error": WORDS[status].slug, "reason": "because", "request_id": "r-1"}
                )

    def test_unknown_status(self) -> None:
        """A status without words of its own gets those of its class."""
        self.assertEqual((self.body(418)["error"], self.body(599)["error"]), ("bad_request", "internal_error"))

    def test_diagnosis_only_when_given(self) -> None:
        """Whoever is given a diagnosis reads it, as a mapping or as an object; nobody else sees the key."""
        told = {"answered_by": "sidecar", "cause": "host_not_in_mesh", "confidence": "likely", "because": ["a"], "hints": ["b"]}
        self.assertEqual(self.body(502, diagnosis=told)["diagnosis"], told)
        self.assertEqual(self.body(502, diagnosis=SimpleNamespace(**told))["diagnosis"], told)
        self.assertNotIn("diagnosis", self.body(502))


class HtmlTests(SynchronousTestCase):
    """What people read."""

    def test_every_problem_is_a_page(self) -> None:
        """Each status has a title, a sentence and the request id."""
        for status, words in WORDS.items():
            with self.subTest(status=status):
                text = problem(status).body.decode()
                self.assertIn(f"<h1>{words.title}</h1>", text)
                self.assertIn(words.text.replace("'", "&#39;"), text)
                self.assertIn("<code>r-1</code>", text)

    def test_what_others_say_is_escaped(self) -> None:
        """A reason, a group, a hint with markup in it is shown as text."""
        evil = "<script>alert(1)</script>"
        diagnosis = {"cause": evil, "because": [evil], "hints": [evil], "answered_by": evil}
        text = (
            problem(403, needs=(evil,), code=evil, request_id=evil, diagnosis=diagnosis).body.decode()
            + problem(400, reason=evil).body.decode()
        )
        self.assertNotIn("<script", text)
        self.assertEqual(text.count("&lt;script&gt;"), 8)

    def test_needed_groups_and_diagnosis(self) -> None:
        """403 lists the groups; an operator's 502 says who answered, why, and what to check."""
        self.assertIn('<bdi dir="auto">مهندسون</bdi>', problem(403, needs=("مهندسون",)).body.decode())
        text = problem(
            502, diagnosis={"answered_by": "sidecar", "cause": "connect_refused", "because": ["x said no"], "hints": ["look"]}
        ).body.decode()
        for part in ("sidecar", "connect_refused", "x said no", "look", "shown to operators only"):
            self.assertIn(part, text)
        self.assertNotIn("operators only", problem(502).body.decode())

    def test_a_reason_where_it_helps(self) -> None:
        """A sentence of its own; not where the groups, or the page itself, already say it."""
        self.assertIn('<p class="reason" dir="auto">Host is odd.</p>', problem(400, reason="Host is odd").body.decode())
        for answer in (problem(403, reason="no rule", needs=("sre",)), problem(401, reason="nobody is logged in", login_url="/x")):
            self.assertNotIn('class="reason"', answer.body.decode())

    def test_retry_after_and_source(self) -> None:
        """503 says when to come back; a sidecar's status says that it is one's."""
        self.assertEqual(field(problem(503, retry_after=5), b"Retry-After"), b"5")
        self.assertEqual(field(problem(503, source="sidecar"), b"X-Meshproxy-Source"), b"sidecar")

    def test_a_page_on_a_host_that_is_none_of_ours(self) -> None:
        """421 takes its stylesheet from the public host, and its policy allows that."""
        answer = problem(421)
        self.assertIn(b'href="https://apps.example.com/_meshproxy/static/meshproxy.', answer.body)
        self.assertIn(b"style-src 'self' https://apps.example.com;", field(answer, b"Content-Security-Policy"))
        self.assertNotIn(b"https://apps", field(problem(404), b"Content-Security-Policy"))


class SafetyTests(SynchronousTestCase):
    """The fields and the markup that keep pages safe."""

    def test_fields(self) -> None:
        """No page is cached, framed, sniffed, or told to another site."""
        answer = problem(403)
        self.assertEqual(field(answer, b"Cache-Control"), b"no-store")
        self.assertEqual(field(answer, b"Referrer-Policy"), b"same-origin")
        self.assertEqual(field(answer, b"X-Content-Type-Options"), b"nosniff")
        self.assertEqual(
            field(answer, b"Content-Security-Policy"),
            b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        )

    def test_form_action(self) -> None:
        """Where a form leads elsewhere, the policy allows exactly that."""
        answer = pages().html(
            200,
            "message.html",
            form_action=["https://idp.example.net"],
            title="t",
            paragraphs=(),
            eyebrow="",
            points=(),
            actions=(),
            request_id="",
            code="",
        )
        self.assertIn(b"form-action 'self' https://idp.example.net;", field(answer, b"Content-Security-Policy"))

    def test_no_template_has_inline_script_or_style(self) -> None:
        """The policy would block them: there are none, and no event handlers and no ``javascript:`` either."""
        for file in sorted((Path(__file__).parent.parent / "meshproxy/web/templates").glob("*.html")):
            with self.subTest(file=file.name):
                offences: list[str] = []

                class Reader(HTMLParser):
                    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]], offences: list[str] = offences) -> None:
                        offences += [tag] if tag in ("script", "style") else []
                        offences += [
                            name for name, value in attrs if name == "style" or name.startswith("on") or "javascript:" in (value or "")
                        ]

                Reader().feed(file.read_text())
                self.assertEqual(offences, [])
                self.assertNotIn("|safe", re.sub(r"\s", "", file.read_text()))


class OverrideTests(SynchronousTestCase):
    """``conf/templates/``."""

    def conf(self, **files: str) -> Path:
        conf_dir = Path(self.mktemp())
        (conf_dir / "templates").mkdir(parents=True)
        for name, text in files.items():
            (conf_dir / "templates" / name.replace("__", ".")).write_text(text)
        return conf_dir.absolute()

    def test_a_template_of_the_operator(self) -> None:
        """It takes the place of ours, may extend ours, and a change of it is a reason to reload."""
        conf_dir = self.conf(
            problem__html='{% extends "base.html" %}{% block title %}x{% endblock %}{% block main %}Ring {{ request_id }}{% endblock %}'
        )
        made = pages(conf_dir)
        self.assertIn(b"Ring r-1", made.problem(404, html=True, reason="", request_id="r-1").body)
        self.assertEqual(made.files, {conf_dir / "templates/problem.html"})

    def test_a_template_that_does_not_compile(self) -> None:
        """Start-up stops, with every such file and its line."""
        conf_dir = self.conf(problem__html="{% if %}", home__html="\n{{ x")
        error = self.assertRaises(ConfError, pages, conf_dir)
        self.assertEqual(
            {(str(one.file), one.message.split(":")[0]) for one in error.problems},
            {("templates/problem.html", "line 1"), ("templates/home.html", "line 2")},
        )

    def test_a_template_that_breaks_later(self) -> None:
        """An error page never fails: ours is shown, and the log says why."""
        made = pages(self.conf(problem__html="{{ nobody.knows }}"))
        self.assertIn(b"There is nothing here", made.problem(404, html=True, reason="", request_id="r").body)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_a_stylesheet_of_the_operator(self) -> None:
        """It is served in the place of ours, under another URL."""
        made = pages(self.conf(meshproxy__css="body { color: red }"))
        path = made.assets.path("meshproxy.css")
        self.assertNotEqual(path, pages().assets.path("meshproxy.css"))
        found = made.assets.find(path.rpartition("/")[2])
        self.assertEqual(found and found.body, b"body { color: red }")
