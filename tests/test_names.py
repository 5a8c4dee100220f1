"""meshproxy.sessions.names"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.names import handle_of, principal_tag, revocations_of, sid_tag, subject_tag, tags_of

from .support.sessions import record


class NameTests(SynchronousTestCase):
    def test_they_tell_nothing(self) -> None:
        """Handles and tags are hashes: neither the id nor the person stands in them."""
        for name in (handle_of("s" * 43), *tags_of(record(provider_session="sid-1"))):
            for told in ("sss", "alice", "idp.example", "sid-1"):
                self.assertNotIn(told, name)

    def test_parts_do_not_run_together(self) -> None:
        """Another cut between issuer and subject is another name."""
        self.assertNotEqual(principal_tag("a", "bc"), principal_tag("ab", "c"))
        self.assertNotEqual(principal_tag("a", "b"), sid_tag("a", "b"))

    def test_what_a_session_is_found_by(self) -> None:
        """By person, by subject, and by the provider's session where there is one; revoked by those, its handle, or with everybody."""
        tags = tags_of(record(provider_session="sid-1"))
        self.assertEqual(set(tags), {
            principal_tag("https://idp.example", "alice"), subject_tag("alice"), sid_tag("https://idp.example", "sid-1"),
        })  # fmt: skip
        self.assertEqual(len(tags_of(record())), 2)
        self.assertEqual(set(revocations_of(record())), {"id:" + handle_of("s" * 43), *tags_of(record()), "all"})
