"""``remote-user``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api.testing import principal, request_head, run_request, run_rewriter
from meshproxy.builtin.remote_user import RemoteUser


class RemoteUserTests(SynchronousTestCase):
    """Remote-User and its relatives."""

    def test_fields(self) -> None:
        """Four fields; a group with a comma in it is left out, a name that is not ASCII is UTF-8."""
        found = run_rewriter(RemoteUser, {"user": "{username}"}, principal(groups=("a,b", "c"), name="Zoë"))
        self.assertEqual(
            found,
            [(b"Remote-User", b"alice"), (b"Remote-Groups", b"c"), (b"Remote-Name", "Zoë".encode()),
             (b"Remote-Email", b"alice@example.com")],
        )

    def test_the_browser_says_nothing(self) -> None:
        """A forged Remote-User is gone, also where there is no value to set."""
        head = run_request(RemoteUser, {"user": "{claims.none}"}, None, request_head(fields={"Remote_User": "root"}))
        self.assertEqual([name for name, _ in head.fields if name.lower().replace(b"_", b"-") == b"remote-user"], [])
