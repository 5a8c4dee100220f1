"""What may be shown of a head."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.redaction import redact_fields, redact_head, redact_target, redact_value


class RedactionTests(SynchronousTestCase):
    def test_secrets(self) -> None:
        """Credentials, cookies, tokens and assertions are cut, in any spelling of their names."""
        for name in (
            b"Authorization", b"authorization", b"Proxy-Authorization", b"Cookie", b"Set-Cookie", b"X-Forwarded-Access-Token",
            b"X_Auth_Token",
            b"X-JWT-Assertion", b"X-Vault-Token", b"X-Api-Key", b"ApiKey", b"X-CSRF-Token", b"X-Client-Secret", b"X-Amz-Security-Token",
        ):
            self.assertEqual(redact_fields([(name, b"hunter2")]), [(name, b"[redacted]")])

    def test_identities_stay(self) -> None:
        """Who is told to the service, and everything ordinary, stays."""
        for name in (
            b"Impersonate-User",
            b"Impersonate-Group",
            b"X-Forwarded-Email",
            b"X-WEBAUTH-USER",
            b"Accept",
            b"Host",
            b"X-Request-Id",
        ):
            self.assertEqual(redact_fields([(name, b"alice")]), [(name, b"alice")])

    def test_queries(self) -> None:
        """Values of secret-looking query parameters are cut from targets and from URLs in fields; the rest stays."""
        self.assertEqual(
            redact_target(b"/cb?code=abc&x=1&state=q;access_token=t#f"),
            b"/cb?code=[redacted]&x=1&state=[redacted];access_token=[redacted]#f",
        )
        self.assertEqual(redact_target(b"/code=abc"), b"/code=abc")
        self.assertEqual(redact_target(b"/a?encode=1&zipcode=2"), b"/a?encode=1&zipcode=2")
        self.assertEqual(redact_fields([(b"Referer", b"https://a/?ID_Token=x&y")]), [(b"Referer", b"https://a/?ID_Token=[redacted]&y")])

    def test_heads(self) -> None:
        """A head keeps its shape; nothing after the empty line is shown."""
        head = b"GET /a?token=x HTTP/1.1\r\nHost: b\r\nAuthorization: Basic eA==\r\nCookie:a=1\r\n\r\nbody"
        shown = b"GET /a?token=[redacted] HTTP/1.1\r\nHost: b\r\nAuthorization: [redacted]\r\nCookie: [redacted]\r\n\r\n"
        self.assertEqual(redact_head(head), shown)
        self.assertEqual(redact_head(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n\r\n"), b"HTTP/1.1 200 OK\r\nSet-Cookie: [redacted]\r\n\r\n")

    def test_tokens_under_any_name(self) -> None:
        """A JWT is a secret wherever it stands: operators choose the field of an assertion."""
        token = b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"
        for value in (token, b"Bearer " + token, b"t=" + token):
            self.assertEqual(redact_value(b"X-Who", value), b"[redacted]")
        for value in (b"eyJhbGciOiJFUzI1NiJ9", b"a.b.c", b"1.2.3"):
            self.assertEqual(redact_value(b"X-Who", value), value)
