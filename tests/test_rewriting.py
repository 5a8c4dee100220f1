"""Rewriters in order, their fields checked: what a service is told."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import IdentityFields, Principal, Refused, TokenNeeded
from meshproxy.api.testing import principal, signed_in
from meshproxy.fences import RewriterFailed
from meshproxy.rewriting import IdentityBlock, Rewriting, managed_everywhere


class Says:
    """A rewriter that returns, or raises, what it is told to."""

    def __init__(self, name: str, returns: Any, managed: list[bytes] | None = None) -> None:
        self.name = name
        self.returns = returns
        self.managed_fields = [b"X-A", b"X-B"] if managed is None else managed

    def identity_fields(self, who: Principal) -> Any:
        if isinstance(self.returns, Exception):
            raise self.returns
        return self.returns


class Timed:
    """A rewriter whose fields end."""

    managed_fields = (b"Authorization",)
    name = "timed"

    def __init__(self, returns: Any) -> None:
        self.returns = returns

    def token_fields(self, login: Any) -> Any:
        return self.returns


class RewritingTests(SynchronousTestCase):
    """One service's rewriters."""

    def test_lines(self) -> None:
        """Fields become ready lines, in order, repeated ones apart, each with who set it."""
        block = Rewriting([Says("one", [(b"X-A", b"1"), (b"X-A", b"2")]), Says("two", ((b"x_b", b"\xc3\xa9"),))]).identity(signed_in())
        self.assertEqual(block.lines, b"X-A: 1\r\nX-A: 2\r\nx_b: \xc3\xa9\r\n")
        self.assertEqual(block.fields, ((b"X-A", b"1", "one"), (b"X-A", b"2", "one"), (b"x_b", b"\xc3\xa9", "two")))
        self.assertIsNone(block.valid_until)
        self.assertEqual(Rewriting([]).identity(signed_in()), IdentityBlock())

    def test_later_replaces_earlier(self) -> None:
        """A later rewriter's field replaces an earlier one's of the same folded name; one that it leaves out does not."""
        one = Says("one", [(b"X-A", b"1"), (b"X-A", b"11"), (b"X-B", b"b")])
        self.assertEqual(Rewriting([one, Says("two", [(b"x.a", b"2")])]).identity(signed_in()).lines, b"X-B: b\r\nx.a: 2\r\n")
        self.assertEqual(Rewriting([one, Says("two", [(b"X-A", b" ")])]).identity(signed_in()).lines, b"X-A: 1\r\nX-A: 11\r\nX-B: b\r\n")

    def test_never_empty(self) -> None:
        """An empty or blank value leaves the field out; outer white space goes."""
        block = Rewriting([Says("one", [(b"X-A", b""), (b"X-B", b" \t"), (b"X-A", b" v ")])]).identity(signed_in())
        self.assertEqual(block.lines, b"X-A: v\r\n")

    def test_what_fails(self) -> None:
        """What is not managed or would not be one field fails, names the rewriter, and never repeats a value."""
        for returns in (
            [(b"X-C", b"secret")], [(b"X-A", b"secret\r\nX-Admin: 1")], [(b"X-A", b"secret\0")], [(b"X-A\r\n", b"secret")],
            [(b"", b"secret")], [(b"X A", b"secret")], [("X-A", "secret")], [(b"X-A", None)], [(b"X-A",)], [b"X-A"], None,
            "X-A: secret", iter([]),
            {b"X-A": b"1"},
        ):
            with self.assertRaises(RewriterFailed) as caught:
                Rewriting([Says("one", returns)]).identity(signed_in())
            self.assertEqual(caught.exception.name, "one")
            self.assertNotIn("secret", str(caught.exception))

    def test_raising(self) -> None:
        """A rewriter that raises fails the request, is logged, and its message stays out of the error; refusals pass as they are."""
        with self.assertRaises(RewriterFailed) as caught:
            Rewriting([Says("one", KeyError("hunter2"))]).identity(signed_in())
        self.assertEqual(caught.exception.why, "identity_fields raised KeyError")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertRaises(Refused, Rewriting([Says("one", Refused("no"))]).identity, signed_in())
        self.assertRaises(TokenNeeded, Rewriting([Says("one", TokenNeeded("old"))]).identity, signed_in())

    def test_own_cookie(self) -> None:
        """A rewriter may hand a service a cookie, but none of meshproxy's."""
        says = Says("one", [(b"Cookie", b"app=1")], [b"Cookie"])
        self.assertEqual(Rewriting([says]).identity(signed_in()).lines, b"Cookie: app=1\r\n")
        for cookie in (b"a=1; __Host-meshproxy=x", b"MESHPROXY.1=x", b"__Secure-meshproxy-login-0a=x"):
            self.assertRaises(RewriterFailed, Rewriting([Says("one", [(b"Cookie", cookie)], [b"Cookie"])]).identity, signed_in())

    def test_valid_until(self) -> None:
        """The block holds until the first of its rewriters ends; what is no IdentityFields fails."""
        timed = [Timed(IdentityFields([(b"Authorization", b"x")], 50.0)), Timed(IdentityFields([], 40.0)), Timed(IdentityFields([]))]
        rewriting = Rewriting(timed)
        self.assertEqual(rewriting.identity(signed_in()).valid_until, 40.0)
        for wrong in (None, [(b"Authorization", b"x")], IdentityFields([], "soon"), IdentityFields(None)):  # type: ignore[arg-type]
            self.assertRaises(RewriterFailed, Rewriting([Timed(wrong)]).identity, signed_in())

    def test_needs_token(self) -> None:
        """Token fields need tokens unless the rewriter says that it looks at the time alone."""
        timed, unneeding = Timed(None), Timed(None)
        unneeding.needs_tokens = False  # type: ignore[attr-defined]
        self.assertEqual([Rewriting([each]).needs_token for each in (timed, unneeding, Says("one", []))], [True, False, False])

    def test_what_is_stripped(self) -> None:
        """Names are folded; browsers' own names and names that are only taken away are stripped from one service's requests alone."""
        says = Says("one", [], [b"X_Acme.User", b"Authorization", b"Cookie", b"Accept"])
        says.stripped_fields = [b"X-Debug"]  # type: ignore[attr-defined]
        first, second = Rewriting([says]), Rewriting([Says("two", [])])
        self.assertEqual(first.managed, {b"x-acme-user", b"authorization", b"cookie", b"accept", b"x-debug"})
        self.assertEqual(second.managed, {b"x-a", b"x-b"})
        self.assertEqual(managed_everywhere([first, second]), {b"x-acme-user", b"x-a", b"x-b"})
        self.assertEqual(managed_everywhere([]), frozenset())

    def test_stop(self) -> None:
        """Every rewriter with a stop is stopped."""
        says = Says("one", [])
        says.stop = lambda: "waits"  # type: ignore[attr-defined]
        self.assertEqual(Rewriting([says, Says("two", [])]).stop(), ["waits"])

    def test_principal_is_asked_once(self) -> None:
        """Each rewriter is asked once for a block."""
        asked: list[Principal] = []
        says = Says("one", [])
        says.identity_fields = lambda who: asked.append(who) or []  # type: ignore[method-assign,func-returns-value]
        Rewriting([says]).identity(signed_in(principal("bob")))
        self.assertEqual([who.subject for who in asked], ["bob"])
