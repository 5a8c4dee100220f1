"""Which request is meant: :mod:`meshproxy.explain.question`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.explain.question import NotAUrl, Question


class QuestionTests(SynchronousTestCase):
    def test_a_url_becomes_a_head(self) -> None:
        """Target and Host stand in it as they were typed, further fields in their order."""
        question = Question.of("http://Apps.example.com:8080/a/../b?x=%20y", "POST", ["A: 1", "B:2 ", "A:  3"])
        self.assertEqual(
            question.head, b"POST /a/../b?x=%20y HTTP/1.1\r\nHost: Apps.example.com:8080\r\nA: 1\r\nB: 2\r\nA: 3\r\n\r\n"
        )

    def test_what_a_browser_does_not_send(self) -> None:
        """A fragment stays in the browser, an empty path is the root, blanks and other letters are escaped, a name is IDNA."""
        self.assertEqual(Question.of("http://a/#top").target, b"/")
        self.assertEqual(Question.of("http://a?q").target, b"/?q")
        self.assertEqual(Question.of("http://a/b c/é").target, b"/b%20c/%C3%A9")
        self.assertEqual(Question.of("http://bücher.example:81/").authority, b"xn--bcher-kva.example:81")

    def test_a_host_of_its_own(self) -> None:
        """``-H Host`` takes the place of the URL's, however bad it is."""
        question = Question.of("http://a/", "GET", ["host: b,c"])
        self.assertEqual((question.authority, question.fields), (b"b,c", ()))

    def test_what_is_no_url(self) -> None:
        """No scheme of ours, no host, or something that no request line can hold; a likely URL is suggested."""
        for url in ("", "/x", "apps.example.com/x", "ftp://a/", "http://", "http:///x", "https://?q", "http://a/\r\nX: 1", "http://a\x00/"):
            with self.assertRaises(NotAUrl, msg=repr(url)):
                Question.of(url)
        with self.assertRaises(NotAUrl) as raised:
            Question.of("localhost:8080/x")
        self.assertIn("did you mean http://localhost:8080/x", str(raised.exception))

    def test_what_no_head_can_hold(self) -> None:
        """A method of two words, a field without a colon or of two lines."""
        for method, line in (("GET /x", "A: 1"), ("", "A: 1"), ("GET", "A"), ("GET", ": 1"), ("GET", "A: 1\r\nB: 2"), ("GET", "A: \x00")):
            with self.assertRaises(NotAUrl, msg=repr((method, line))):
                Question.of("http://a/", method, [line])

    def test_a_browsers_cookie(self) -> None:
        """The session's cookie stands in the one Cookie line, behind those that were given."""
        self.assertEqual(Question.of("http://a/").with_cookie(b"s=1").fields, ((b"Cookie", b"s=1"),))
        question = Question.of("http://a/", "GET", ["cookie: a=b", "X: y"]).with_cookie(b"s=1")
        self.assertEqual(question.fields, ((b"cookie", b"a=b; s=1"), (b"X", b"y")))
