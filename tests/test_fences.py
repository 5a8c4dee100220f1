"""What a rewriter may do to requests and answers."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Refused, RequestHead, ResponseHead
from meshproxy.api.testing import principal, signed_in
from meshproxy.core.fields import is_protected
from meshproxy.fences import RewriterFailed
from meshproxy.rewriting import Rewriting

REQUEST = RequestHead(b"GET", b"/a", ((b"Accept", b"*/*"), (b"X-Old", b"1"), (b"Via", b"1.1 edge")))
RESPONSE = ResponseHead(200, b"OK", ((b"Content-Length", b"3"), (b"Set-Cookie", b"app=1"), (b"X-Powered-By", b"PHP")))


class Changes:
    """A rewriter that gives back what it is told to."""

    name = "changes"
    managed_fields = (b"X-New",)

    def __init__(self, request: Any = None, response: Any = None) -> None:
        if request is not None:
            self.rewrite_request = lambda head, who: request(head) if callable(request) else request
        if response is not None:
            self.rewrite_response = lambda head, who: response(head) if callable(response) else response


def request(changed: Any, who: Any = None) -> RequestHead:
    (fenced,) = Rewriting([Changes(request=changed)]).per_request
    return fenced.rewrite_request(REQUEST, who)


def response(changed: Any) -> ResponseHead:
    (fenced,) = Rewriting([Changes(response=changed)]).per_request
    return fenced.rewrite_response(RESPONSE, None)


class RequestFenceTests(SynchronousTestCase):
    """rewrite_request."""

    def test_what_it_may(self) -> None:
        """Drop fields, change values, add what it manages, change path and method."""
        for changed in (
            RequestHead(b"GET", b"/a", ()), RequestHead(b"GET", b"/b?x=1", REQUEST.fields), RequestHead(b"POST", b"/a", REQUEST.fields),
            RequestHead(b"GET", b"/a", ((b"Accept", b"text/html"), (b"x_new", b"1"), (b"X-New", b"2"))),
        ):
            self.assertEqual(request(changed), changed)

    def test_what_it_may_not(self) -> None:
        """Add what it does not manage; set Host, framing, X-Forwarded-*; split lines; return something else."""
        for changed in (
            *(RequestHead(b"GET", b"/a", ((name, b"1"),)) for name in (
                b"X-Other", b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"content_length",
                b"X-Forwarded-For", b"X-Request-Id", b"TE", b"X-New\r\nX-Admin", b"",
            )),
            RequestHead(b"GET", b"/a", ((b"Via", b"changed"),)), RequestHead(b"GET", b"/a", ((b"X-New", b"1\r\nX: 2"),)),
            RequestHead(b"GET", b"/a b", ()), RequestHead(b"GET", b"http://b/", ()), RequestHead(b"GET", b"/a\r\n", ()),
            RequestHead(b"GET", b"/#", ()), RequestHead(b"HEAD", b"/a", ()),
            RequestHead(b"CONNECT", b"/a", ()), RequestHead(b"G T", b"/a", ()),
            RequestHead(b"GET", b"/a", None), RequestHead(b"GET", b"/a", ((b"X-New", "1"),)), None, b"GET /", RESPONSE,  # type: ignore[arg-type]
        ):
            self.assertRaises(RewriterFailed, request, changed if changed is not None else (lambda head: None))

    def test_own_cookie(self) -> None:
        """A cookie of meshproxy's cannot be put into the request."""
        (fenced,) = Rewriting([Changes(request=RequestHead(b"GET", b"/", ((b"Cookie", b"a=1; meshproxy=x"),)))]).per_request
        self.assertRaises(RewriterFailed, fenced.rewrite_request, RequestHead(b"GET", b"/", ((b"Cookie", b"a=1"),)), None)

    def test_not_twice(self) -> None:
        """What identity fields say already cannot be said a second time for a principal; for an anonymous request it can."""

        class Both(Changes):
            def identity_fields(self, who: object) -> list[tuple[bytes, bytes]]:
                return [(b"X-New", b"alice")]

        rewriting = Rewriting([Both(request=RequestHead(b"GET", b"/a", ((b"X-New", b"guest"),)))])
        rewriting.identity(signed_in())
        self.assertRaises(RewriterFailed, rewriting.per_request[0].rewrite_request, REQUEST, principal())
        self.assertEqual(rewriting.per_request[0].rewrite_request(REQUEST, None).fields, ((b"X-New", b"guest"),))

    def test_raising(self) -> None:
        """An error is 500 and logged, a refusal a refusal."""

        def broken(head: RequestHead) -> RequestHead:
            raise ZeroDivisionError

        def refuses(head: RequestHead) -> RequestHead:
            raise Refused("not you")

        self.assertRaises(RewriterFailed, request, broken)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertRaises(Refused, request, refuses)


class ResponseFenceTests(SynchronousTestCase):
    """rewrite_response."""

    def test_what_it_may(self) -> None:
        """Drop, change and add fields, managed or not; change the status among those with a body."""
        for changed in (
            ResponseHead(200, b"OK", RESPONSE.fields[:2]), ResponseHead(404, b"Gone", RESPONSE.fields),
            ResponseHead(200, b"OK", (*RESPONSE.fields, (b"X-Frame-Options", b"DENY"), (b"Set-Cookie", b"b=2"))),
        ):
            self.assertEqual(response(changed), changed)

    def test_what_it_may_not(self) -> None:
        """Touch framing or our cookies; make an answer without body of one with; split lines."""
        for changed in (
            ResponseHead(200, b"OK", ()), ResponseHead(200, b"OK", ((b"Content-Length", b"4"),)), ResponseHead(204, b"", RESPONSE.fields),
            ResponseHead(101, b"", RESPONSE.fields), ResponseHead(999, b"", RESPONSE.fields), ResponseHead(200, b"a\r\nb", RESPONSE.fields),
            ResponseHead(200, b"OK", (*RESPONSE.fields, (b"Connection", b"close"))),
            ResponseHead(200, b"OK", (*RESPONSE.fields, (b"Set-Cookie", b"__HOST-meshproxy=; Max-Age=0"))),
            ResponseHead(200, b"OK", (*RESPONSE.fields, (b"Set-Cookie", b' "meshproxy.1"=x'))),
            ResponseHead(200, b"OK", (*RESPONSE.fields, (b"X", b"1\n2"))), REQUEST,
        ):
            self.assertRaises(RewriterFailed, response, changed)

    def test_one_of_two(self) -> None:
        """A rewriter with one of the methods leaves the other direction as it is."""
        (fenced,) = Rewriting([Changes(request=REQUEST)]).per_request
        self.assertIs(fenced.rewrite_response(RESPONSE, None), RESPONSE)
        (fenced,) = Rewriting([Changes(response=RESPONSE)]).per_request
        self.assertIs(fenced.rewrite_request(REQUEST, None), REQUEST)
        self.assertEqual(Rewriting([]).per_request, ())


class ProtectedTests(SynchronousTestCase):
    """Names that are meshproxy's."""

    def test_any_spelling(self) -> None:
        """Protected in any case and alias; what rewriters exist for is not."""
        for name in (b"Host", b"HOST", b"content_length", b"X-Forwarded-Host", b"x.forwarded.for", b"X-Request-ID"):
            self.assertTrue(is_protected(name))
        for name in (b"X-Forwarded-User", b"Authorization", b"Cookie", b"Accept"):
            self.assertFalse(is_protected(name))
