"""What is said about a status: :mod:`meshproxy.web.problem_words`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.problem_words import WORDS, words


class WordsTests(SynchronousTestCase):
    def test_every_status_that_the_request_path_answers_has_words(self) -> None:
        """All that wire-rules §1.1 names, and the failures of a service."""
        wanted = {400, 401, 403, 404, 408, 413, 414, 417, 421, 431, 500, 501, 502, 503, 504, 505, 508}
        self.assertLessEqual(wanted, set(WORDS))

    def test_names_for_programs(self) -> None:
        """A name is a word that programs can switch on, and the contract's two are as it says."""
        self.assertTrue(all(one.slug.replace("_", "").isalpha() and one.slug.islower() for one in WORDS.values()))
        self.assertEqual((words(401).slug, words(403).slug), ("login_required", "forbidden"))

    def test_trying_again_is_offered_where_it_may_help(self) -> None:
        """After a failure of a service, never after a refusal."""
        self.assertTrue(all(words(status).again for status in (500, 502, 503, 504)))
        self.assertFalse(any(words(status).again for status in (400, 403, 404, 421, 431)))
