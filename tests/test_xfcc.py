"""X-Forwarded-Client-Cert."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.xfcc import last_uri, parse

ME = b"By=spiffe://cluster.local/ns/meshproxy/sa/meshproxy"
GATEWAY = b'Hash=ab12;Subject="";URI=spiffe://cluster.local/ns/istio-system/sa/gateway'


class ParseTests(SynchronousTestCase):
    def test_elements(self) -> None:
        """Elements, pairs, quotes and escapes; keys in lower case; a key may come twice."""
        value = ME + b";" + GATEWAY + rb',BY=a;Subject="CN=\"x\",O=a;b\\";DNS=one;DNS=two;Cert="-----BEGIN%0A"'
        self.assertEqual(parse(value), [
            [("by", "spiffe://cluster.local/ns/meshproxy/sa/meshproxy"), ("hash", "ab12"), ("subject", ""),
             ("uri", "spiffe://cluster.local/ns/istio-system/sa/gateway")],
            [("by", "a"), ("subject", 'CN="x",O=a;b\\'), ("dns", "one"), ("dns", "two"), ("cert", "-----BEGIN%0A")],
        ])

    def test_malformed(self) -> None:
        """What does not follow the grammar is refused as a whole."""
        for value in (
            b"",
            b",",
            b"By=a,",
            b"By=a;",
            b"By",
            b'By="a',
            b'By=a"b"',
            b'By="a"b',
            b"=a",
            b",By=a",
            b"By=a,,By=b",
            b"B y=a",
            b"\xff=a",
        ):
            self.assertRaises(ValueError, parse, value)


class LastUriTests(SynchronousTestCase):
    def test_last_counts(self) -> None:
        """Only the last element is our peer's; what stands before it anybody may have written."""
        self.assertEqual(last_uri(b"URI=spiffe://forged," + ME + b";" + GATEWAY), "spiffe://cluster.local/ns/istio-system/sa/gateway")

    def test_nothing_certain_is_nothing(self) -> None:
        """No URI, several, or one of another kind names nobody."""
        for value in (ME, b"URI=spiffe://a;URI=spiffe://b", b"URI=https://a", b"URI=", b"URI=spiffe://a,By=x", b"garbage"):
            self.assertIsNone(last_uri(value), value)

    @given(st.text(alphabet='aU=;,"\\ RI', max_size=20))
    @settings(derandomize=True, deadline=None, database=None, max_examples=400)
    def test_nothing_before_changes_the_last(self, forged: str) -> None:
        """Whatever a caller puts before, the element that the sidecar appends is read as it is, or nothing is."""
        found = last_uri(forged.encode() + b"," + ME + b";" + GATEWAY)
        self.assertIn(found, (None, "spiffe://cluster.local/ns/istio-system/sa/gateway"))
