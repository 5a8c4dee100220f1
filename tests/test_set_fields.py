"""``fields``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError
from meshproxy.api.testing import make, principal, request_head, run_request, run_rewriter
from meshproxy.builtin.set_fields import SetFields
from meshproxy.rewriting import Rewriting, managed_everywhere


class SetFieldsTests(SynchronousTestCase):
    """Any fields."""

    def test_set(self) -> None:
        """Each template becomes a field, in order; one without a value is left out."""
        options = {"set": {"X-User": "{email}", "X-Dept": "{claims.dept}", "X-Env": "prod", "X-G": "{groups}"}, "separator": ";"}
        self.assertEqual(run_rewriter(SetFields, options), [(b"X-User", b"alice@example.com"), (b"X-Env", b"prod"), (b"X-G", b"devs;sre")])
        self.assertEqual(dict(run_rewriter(SetFields, options, principal(claims={"dept": "R&D"})))[b"X-Dept"], b"R&D")

    def test_remove(self) -> None:
        """What is removed does not reach this service in any spelling; requests to other services keep it."""
        browser = request_head(fields={"x_debug": "1", "Accept-Language": "de"})
        head = run_request(SetFields, {"remove": ["X-Debug", "Accept-Language"]}, None, browser)
        self.assertEqual([name for name, _ in head.fields if name in (b"x_debug", b"Accept-Language")], [])
        rewriting = Rewriting([make(SetFields, {"set": {"X-User": "{email}"}, "remove": ["X-Debug"]})])
        self.assertEqual((rewriting.managed, managed_everywhere([rewriting])), ({b"x-user", b"x-debug"}, {b"x-user"}))

    def test_the_browser_says_nothing(self) -> None:
        """A managed name without a value is still stripped."""
        head = run_request(SetFields, {"set": {"X-Dept": "{claims.dept}"}}, None, request_head(fields={"X_DEPT": "root"}))
        self.assertNotIn(b"root", [value for _, value in head.fields])

    def test_what_cannot_be_set(self) -> None:
        """Host, framing, meshproxy's own names, and what is no field name stop the start."""
        for name in ("Host", "content_length", "Transfer-Encoding", "X-Forwarded-For", "X-Request-Id", "X Y", "", "Connection"):
            for options in ({"set": {name: "x"}}, {"remove": [name]}):
                self.assertRaises(ConfError, make, SetFields, options)

    def test_said_with_the_settings(self) -> None:
        """A name that is meshproxy's is a problem of the file's key, so that it is told with all others before anything starts."""
        for key, options in (("set", {"set": {"Host": "x"}}), ("remove", {"remove": ["X-Debug", "x_request_id"]})):
            error = self.assertRaises(ConfError, make, SetFields, options)
            (problem,) = error.problems
            self.assertIn(f".{key}.", problem.key)
            self.assertIn("is meshproxy's own, no rewriter's", problem.message)
