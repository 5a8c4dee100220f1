"""Names folded, and the lists that say who may set them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core import fields


class FoldTests(SynchronousTestCase):
    def test_aliases_are_one_name(self) -> None:
        """Case, ``_`` and ``.`` make no difference: CGI, WSGI and PHP see one variable."""
        for alias in (b"X-Forwarded-User", b"x_forwarded_user", b"X.FORWARDED.USER", b"X-forwarded_User"):
            self.assertEqual(fields.fold(alias), b"x-forwarded-user")

    def test_other_bytes_stay(self) -> None:
        """Nothing but ASCII letters, ``_`` and ``.`` is changed."""
        self.assertEqual(fields.fold(b"a!#$%&'*+-^`|~9\xc4"), b"a!#$%&'*+-^`|~9\xc4")


class ManagedTests(SynchronousTestCase):
    def test_managed(self) -> None:
        """Every name and prefix of wire-rules §0.1 is managed."""
        for name in (
            b"X-Forwarded-User", b"X-Forwarded-For", b"X-Forwarded", b"Forwarded", b"X-Real-IP", b"X-Original-URL", b"X-Rewrite-URL",
            b"X-Remote-User", b"Remote-User", b"REMOTE_USER", b"X-WEBAUTH-USER", b"Impersonate-Group", b"Impersonate-Extra-scopes",
            b"X-Auth-Request-Email", b"X-Envoy-Original-Path", b"X-Istio-Attributes", b"X-Forwarded-Client-Cert", b"X-Script-Name",
            b"Proxy", b"X_Remote_User", b"x.webauth.user",
        ):
            self.assertTrue(fields.is_managed(fields.fold(name)), name)

    def test_not_managed(self) -> None:
        """Tracing fields (wire-rules §0.4) and names that only look similar pass."""
        for name in (
            b"traceparent", b"tracestate", b"b3", b"X-B3-TraceId", b"X-Ot-Span-Context", b"X-Datadog-Trace-Id", b"X-Cloud-Trace-Context",
            b"grpc-trace-bin", b"sw8", b"X-Forwardedness", b"Proxy-Hint", b"Remote", b"X-Requested-With", b"Accept",
        ):
            self.assertFalse(fields.is_managed(fields.fold(name)), name)

    def test_browsers_names_are_not_stripped_everywhere(self) -> None:
        """What a rewriter sets goes from every request, but not a name that browsers send for good reasons."""
        everywhere = fields.managed_everywhere([b"X_Acme.User", b"Authorization", b"Accept", b"Cookie"])
        self.assertEqual(everywhere, {b"x-acme-user"})


class SyntaxTests(SynchronousTestCase):
    def test_token(self) -> None:
        """A token is RFC 9110's ``tchar``, at least one."""
        self.assertTrue(fields.is_token(b"X-Foo_1.2!#$%&'*+^`|~"))
        for bad in (b"", b"a b", b"a:", b"a\t", b"(a)", b"a\x7f", b"\xc4", b'"a"', b"a/b", b"a@b"):
            self.assertFalse(fields.is_token(bad), bad)

    def test_value(self) -> None:
        """A value has no control character but HTAB; obs-text passes (P21)."""
        for good in (b"", b"a\tb", b"\x80\xff", "Zo\u00eb".encode()):
            self.assertTrue(fields.valid_value(good), good)
        for bad in (b"a\rb", b"a\nb", b"\x00", b"a\x01", b"\x7f", b"\x1f"):
            self.assertFalse(fields.valid_value(bad), bad)

    def test_members(self) -> None:
        """List members come in lower case, without blanks and empty ones."""
        self.assertEqual(fields.members(b" Close ,, X-A\t,"), [b"close", b"x-a"])
