from twisted.trial import unittest

from meshproxy.core.access import Denied, judge
from meshproxy.core.policy import AccessSettings, RequestSettings, RouteSettings
from meshproxy.core.principal import Principal


class DefaultsTests(unittest.SynchronousTestCase):
    def test_nobody_enters_by_default(self) -> None:
        """An access rule without a word admits nobody, known or not."""
        for principal in (None, Principal("i", "s", "a@example.com", groups=("g",), email_verified=True)):
            self.assertIsInstance(judge(AccessSettings(), principal), Denied)

    def test_the_browser_chooses_no_host_by_default(self) -> None:
        """The Host that goes up is the upstream's, and Origin is translated, unless the operator says otherwise."""
        request = RequestSettings()
        self.assertEqual(("upstream", "rewrite", (), None), (request.host, request.origin, request.allowed_origins, request.body_bytes))

    def test_a_route_is_the_whole_host_by_default(self) -> None:
        """Without a path a service has its host from the root, and its paths stay whole."""
        self.assertEqual(("/", False), (RouteSettings("a.example").path, RouteSettings("a.example").strip_path))
