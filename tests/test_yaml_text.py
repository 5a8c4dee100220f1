"""Plain values as YAML: :mod:`meshproxy.yaml_text`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.yaml_text import dumps


class Yaml(SynchronousTestCase):
    def test_nested(self) -> None:
        """Mappings and lists in each other, in their order."""
        value = {
            "kind": "X",
            "spec": {"rules": [{"from": [{"source": {"principals": ["a/b"]}}], "to": []}], "on": True, "number": 3, "none": {}},
        }
        self.assertEqual(
            dumps(value),
            (
                "kind: X\nspec:\n  rules:\n    - from:\n        - source:\n            principals:\n              - a/b\n      to: []\n"
                '  "on": true\n  number: 3\n  none: {}\n'
            ),
        )

    def test_what_would_be_read_as_something_else(self) -> None:
        """Numbers, booleans, nothing, anchors, comments, stars and colons in text are quoted; plain words and URLs are not."""
        for text in (
            "8080",
            "true",
            "No",
            "null",
            "~",
            "",
            " a",
            "a b",
            "*",
            "&a",
            "#x",
            "a: b",
            "- a",
            "1.5",
            "@x",
            '"',
            "'",
            ".",
            "y",
            "a:",
            "é\n",
        ):
            self.assertTrue(dumps([text]).startswith('- "'), text)
        for text in ("app", "cluster.local/ns/a/sa/b", "https://corp.example/x", "a-b_c"):
            self.assertEqual(dumps([text]), f"- {text}\n")
