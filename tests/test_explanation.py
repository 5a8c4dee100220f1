"""What is told about a request: :mod:`meshproxy.explain.explanation`."""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.disposition import FieldTrace
from meshproxy.core.principal import Principal
from meshproxy.core.routing import Loser
from meshproxy.explain.explanation import Explanation, UpstreamRequest

TOLD = Explanation(
    "https://apps.example.com/x",
    "GET",
    "forward",
    None,
    "group devs",
    "orders",
    ("apps.example.com", "/x"),
    Principal("https://corp", "alice", "alice@example.com", groups=("devs",)),
    UpstreamRequest("GET / HTTP/1.1", "orders:80", None, ""),
    "http://orders",
    (FieldTrace("Accept", "keep", "text/html", "browser", "end-to-end"),),
    (("group devs", True),),
    (Loser("other", "apps.example.com", "/y", "the path is not under its prefix"),),
)


class Explanations(SynchronousTestCase):
    def test_the_promised_keys(self) -> None:
        """The keys of the contract, as JSON can say them."""
        document = json.loads(json.dumps(TOLD.as_dict()))
        self.assertLessEqual(
            {"verdict", "status", "reason", "service", "route", "principal", "upstream", "fields", "diagnosis"}, set(document)
        )
        self.assertEqual(document["route"], {"host": "apps.example.com", "path": "/x"})
        self.assertEqual(document["upstream"], {"request_line": "GET / HTTP/1.1", "host": "orders:80", "sni": None})
        self.assertEqual(
            document["fields"], [{"name": "Accept", "action": "keep", "value": "text/html", "by": "browser", "why": "end-to-end"}]
        )
        self.assertNotIn("answer", document)

    def test_exit_statuses(self) -> None:
        """The verdict's, and 4 for a sent request whose upstream failed; a service that says no has answered."""
        self.assertEqual(TOLD.exit_status, 0)
        self.assertEqual(replace(TOLD, verdict="challenge").exit_status, 2)
        self.assertEqual(replace(TOLD, verdict="refuse").exit_status, 3)
        for cause, status in (
            ("ok", 0),
            ("service_refused", 0),
            ("service_error", 4),
            ("connect_refused", 4),
            ("redirect_loop", 4),
            ("unknown", 4),
        ):
            self.assertEqual(replace(TOLD, diagnosis={"cause": cause}).exit_status, status, cause)
