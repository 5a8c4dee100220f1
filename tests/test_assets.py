"""The files behind our pages: :mod:`meshproxy.web.assets`."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.assets import PREFIX, Assets


class AssetsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp()).absolute()
        self.conf_dir.mkdir()

    def test_urls_hold_a_hash_of_the_content(self) -> None:
        """The same content has the same URL everywhere, another content another one."""
        (self.conf_dir / "a.svg").write_text("<svg/>")
        first = Assets(self.conf_dir, ["a.svg"]).icon("a.svg")
        self.assertRegex(first, rf"^{PREFIX}icon-a\.[0-9a-f]{{12}}\.svg$")
        self.assertEqual(Assets(self.conf_dir, ["a.svg"]).icon("a.svg"), first)
        (self.conf_dir / "a.svg").write_text("<svg />")
        self.assertNotEqual(Assets(self.conf_dir, ["a.svg"]).icon("a.svg"), first)

    def test_only_what_was_read_at_start_is_found(self) -> None:
        """No name that somebody sends is ever looked up on the disk."""
        (self.conf_dir / "secret.svg").write_text("x")
        assets = Assets(self.conf_dir)
        for segment in ("secret.svg", "../secret.svg", str(self.conf_dir / "secret.svg"), "meshproxy.css", "", "."):
            self.assertIsNone(assets.find(segment), segment)

    def test_icons(self) -> None:
        """An icon lies in the conf directory or its ``icons``; kinds are told by the suffix."""
        (self.conf_dir / "icons").mkdir()
        (self.conf_dir / "icons" / "grüße 1.PNG").write_bytes(b"png")
        assets = Assets(self.conf_dir, ["grüße 1.PNG", ""])
        path = assets.icon("grüße 1.PNG")
        self.assertTrue(path.isascii())
        found = assets.find(path.rpartition("/")[2])
        self.assertEqual(found and (found.content_type, found.body), (b"image/png", b"png"))
        self.assertEqual(assets.files, {self.conf_dir / "icons" / "grüße 1.PNG"})

    def test_an_icon_that_is_none(self) -> None:
        """A missing one, another kind of file or a huge one is a warning, and the tile shows a letter."""
        (self.conf_dir / "page.html").write_text("x")
        (self.conf_dir / "huge.png").write_bytes(bytes(600 * 1024))
        assets = Assets(self.conf_dir, ["gone.svg", "page.html", "huge.png"])
        self.assertEqual([assets.icon(one) for one in ("gone.svg", "page.html", "huge.png")], ["", "", ""])
        self.assertEqual(len(assets.problems), 3)
