"""One file: all its mistakes, and the rest of it nevertheless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.drafts import Draft, _mend, read_draft, read_toml
from meshproxy.config.intake import Intake
from meshproxy.config.main_model import MainFile
from meshproxy.config.service_model import ServiceFile

from .support.conf_dirs import ConfDir, properties

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "use", "corp", "path", "host", "groups", "cert_file", "key_file", "more", "X", ""]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
MAIN_FILES = st.dictionaries(st.sampled_from([*MainFile.model_fields, "x"]), VALUES, max_size=6)
SERVICE_FILES = st.dictionaries(st.sampled_from([*ServiceFile.model_fields, "x"]), VALUES, max_size=6)


class DraftTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.intake = Intake(self.conf.path, {})

    def read(self, text: str) -> Draft[MainFile]:
        self.conf.write("meshproxy.toml", text)
        return read_draft(self.intake, "meshproxy.toml", MainFile)

    def problems(self) -> list[str]:
        return [str(problem) for problem in self.intake.problems]

    def test_a_good_file(self) -> None:
        """No flaw, and what it says."""
        draft = self.read('public_url = "https://a.example"\nmesh = false')
        self.assertEqual((draft.flaws, draft.said.mesh, self.problems()), (frozenset(), False, []))

    def test_wrong_places_do_not_hide_the_others(self) -> None:
        """Every mistake is reported, and what is right around them is kept."""
        draft = self.read(
            'public_url = "gopher://x"\nmesh = false\nlissen = 1\nlisten = ["tcp:80", 7, 8]\n[log]\nlevel = 3\naccess = "off"\n'
            "[identity.a]\nfile = 'u'\n[tls]\nmore = [{cert_file = 'c', key_file = 'k'}, {cert_file = 'd'}]"
        )
        self.assertEqual(
            [problem.split(": ")[1] for problem in self.problems()],
            ["public_url", "listen.1", "listen.2", "log.level", "identity.a.type", "tls.more.1.key_file", "lissen"],
        )
        said = draft.said
        self.assertEqual((said.mesh, said.listen, said.log.level, said.log.access), (False, ["tcp:8080"], "info", "off"))
        self.assertEqual(said.identity["a"].model_extra, {"file": "u"})
        self.assertEqual([one.cert_file for one in (said.tls.more if said.tls else [])], ["c", "d"])

    def test_flawed_places(self) -> None:
        """A place is flawed with what is in it and around it, not with what stands beside it."""
        draft = self.read('public_url = "https://a.example"\n[log]\nlevel = 3')
        self.assertEqual(
            [draft.flawed(key) for key in ("log.level", "log", "log.level.x", "log.access", "mesh")], [True, True, True, False, False]
        )

    def test_what_is_not_toml(self) -> None:
        """Syntax, encoding, nesting: a problem with the line, and everything is flawed."""
        for content, words in (
            (b"public_url = \n", "at line 1"),
            (b"a = 1\nb = 2\na = 3", "at line 3"),
            (b"a = 1\nb = '\xff'", "at line 2"),
            (b"a = " + b"[" * 100_000, "not TOML"),
        ):
            with self.subTest(content[:20]):
                self.intake.problems.clear()
                self.conf.write("meshproxy.toml", content)
                draft = read_draft(self.intake, "meshproxy.toml", MainFile)
                (problem,) = self.problems()
                self.assertIn(words, problem)
                self.assertTrue(draft.flawed("anything"))

    def test_a_byte_order_mark_is_no_mistake(self) -> None:
        """Editors on other systems write one."""
        self.conf.write("x.toml", b"\xef\xbb\xbfa = 1")
        self.assertEqual(read_toml(self.intake, "x.toml"), {"a": 1})

    def test_a_missing_file(self) -> None:
        """One problem that names the file, and a draft all the same."""
        draft = read_draft(self.intake, "services/none.toml", ServiceFile)
        self.assertIn("services/none.toml: services/none.toml: no such file", self.problems()[0])
        self.assertTrue(draft.flawed("upstream"))

    @properties
    @given(MAIN_FILES)
    def test_any_main_file_can_be_mended(self, raw: dict) -> None:
        """Whatever a file says, there is a draft, and what was read is not changed."""
        before = repr(raw)
        said, flaws = _mend(MainFile, raw)
        self.assertIsInstance(said, MainFile)
        self.assertIn("public_url", flaws)
        self.assertEqual(repr(raw), before)

    @properties
    @given(SERVICE_FILES)
    def test_any_service_file_can_be_mended(self, raw: dict) -> None:
        """Whatever a file says, there is a draft."""
        self.assertIsInstance(_mend(ServiceFile, raw)[0], ServiceFile)
