"""``kubernetes-impersonation``."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError, Refused
from meshproxy.api.testing import context, make, principal, request_head, run_request, run_rewriter, signed_in
from meshproxy.builtin.kubernetes_impersonation import KubernetesImpersonation
from meshproxy.fences import RewriterFailed
from meshproxy.rewriting import Rewriting


class ImpersonationTests(SynchronousTestCase):
    """Impersonate-* beside a token."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp())
        self.conf_dir.mkdir()
        (self.conf_dir / "token").write_text("pod-token\n")
        self.given = context(conf_dir=self.conf_dir)

    def run_with(self, options: dict[str, object] | None = None, **changes: object) -> list[tuple[bytes, bytes]]:
        return run_rewriter(
            KubernetesImpersonation, {"token_file": "token", **(options or {})}, principal(**changes), given=self.given,  # type: ignore[arg-type]
        )

    def test_fields(self) -> None:
        """The token, the user, and one line a group: a comma in a group's name is part of it."""
        self.assertEqual(
            self.run_with(groups=("devs", "a,b")),
            [(b"Authorization", b"Bearer pod-token"), (b"Impersonate-User", b"alice@example.com"), (b"Impersonate-Group", b"devs"),
             (b"Impersonate-Group", b"a,b")],
        )

    def test_never_without_a_user(self) -> None:
        """Without a user the token alone would act with meshproxy's own rights: refused."""
        self.assertRaises(Refused, self.run_with, email_verified=False)
        self.assertRaises(Refused, self.run_with, {"user": "{claims.none}"})

    def test_system_names(self) -> None:
        """Kubernetes' own names refuse the request, whatever their case, unless allow_system says otherwise."""
        for changes in ({"groups": ("devs", "system:masters")}, {"email": "system:admin"}, {"groups": ("System:Masters",)}):
            self.assertRaises(Refused, self.run_with, **changes)
        found = self.run_with({"allow_system": True}, groups=("system:masters",))
        self.assertIn((b"Impersonate-Group", b"system:masters"), found)
        self.assertIn((b"Impersonate-Group", b"mysystem:x"), self.run_with(groups=("mysystem:x",)))

    def test_trimmed_system_name(self) -> None:
        """A blank before system: would be trimmed away on the wire: such a group is not sent."""
        found = self.run_with(groups=(" system:masters", "ok"))
        self.assertEqual([value for name, value in found if name == b"Impersonate-Group"], [b"ok"])

    def test_extra(self) -> None:
        """Listed claims, one line a value; keys are lower case and percent-encoded where a field name needs it."""
        claims = {"Dept": "R&D", "https://acme.example/team": ["blue", "red"]}
        found = self.run_with({"extra": ["Dept", "https://acme.example/team", "none"]}, claims=claims)
        self.assertEqual(
            found[-3:],
            [(b"Impersonate-Extra-dept", b"R&D"), (b"Impersonate-Extra-https%3A%2F%2Facme.example%2Fteam", b"blue"),
             (b"Impersonate-Extra-https%3A%2F%2Facme.example%2Fteam", b"red")],
        )

    def test_the_browser_says_nothing(self) -> None:
        """Neither a token nor an impersonation of the browser's arrives."""
        head = run_request(KubernetesImpersonation, {"token_file": "token"}, principal(groups=()), request_head(fields={
            "Authorization": "Bearer forged", "Impersonate-Group": "system:masters", "Impersonate-Uid": "0", "impersonate_extra_x": "1",
        }), given=self.given)
        self.assertEqual(
            [(name, value) for name, value in head.fields if name.startswith((b"Imp", b"imp", b"Auth"))],
            [(b"Authorization", b"Bearer pod-token"), (b"Impersonate-User", b"alice@example.com")],
        )

    def test_token_is_read_again(self) -> None:
        """Fields hold for half a minute; computed anew, they have the token that the file has by then."""
        clock = Clock()
        given = context(conf_dir=self.conf_dir, reactor=clock)
        rewriting = Rewriting([make(KubernetesImpersonation, {"token_file": "token"}, given=given)])
        self.assertFalse(rewriting.needs_token)
        self.assertEqual(rewriting.identity(signed_in()).valid_until, 30.0)
        replacement = self.conf_dir / "token.new"
        replacement.write_text("other-token")
        os.replace(replacement, self.conf_dir / "token")
        clock.advance(30)
        block = rewriting.identity(signed_in())
        self.assertTrue(block.lines.startswith(b"Authorization: Bearer other-token\r\n"))
        self.assertEqual(block.valid_until, 60.0)

    def test_no_token(self) -> None:
        """Without a token nothing is forwarded."""
        for content in (None, "", " \n"):
            (self.conf_dir / "token").unlink(missing_ok=True)
            if content is not None:
                (self.conf_dir / "token").write_text(content)
            self.assertRaises(RewriterFailed, self.run_with)
            self.flushLoggedErrors(FileNotFoundError, ValueError)

    def test_unknown_key(self) -> None:
        """A misspelt key is found."""
        with self.assertRaises(ConfError) as caught:
            make(KubernetesImpersonation, {"allow_sytem": True})
        self.assertIn("did you mean 'allow_system'?", str(caught.exception))
