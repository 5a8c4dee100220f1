import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial import unittest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "meshproxy"

GLOBAL_REACTOR = {"tap.py", "cli.py", "cli/__init__.py", "cli/main.py", "workers/process.py"}
STOCK_PROXY = "web/resource.py"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def modules(folder: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Every module below a folder of the package: its path in the package, and its syntax tree."""
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        if "demo" not in path.relative_to(PACKAGE).parts[:1]:
            yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text("utf-8"))


def imports(name: str, tree: ast.AST, *, runtime: bool = True) -> Iterator[str]:
    """What a module imports, by absolute names (of ``from x import y`` both ``x`` and ``x.y``); without type checkers' own."""
    package = ("meshproxy", *Path(name).parent.parts)
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if runtime and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            skipped.update(child for statement in node.body for child in ast.walk(statement))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(imported: str, package: str) -> bool:
    return imported == package or imported.startswith(package + ".")


class HouseRules(unittest.SynchronousTestCase):
    """The rules that keep the house as it is; CONTRIBUTING.md lists them."""

    def test_core_is_pure(self) -> None:
        """``core/`` imports the standard library, cryptography, joserfc and itself; it has neither clock nor randomness."""
        allowed = {"cryptography", "joserfc", *sys.stdlib_module_names}
        for name, tree in modules("core"):
            for imported in imports(name, tree):
                if not within(imported, "meshproxy.core") and imported != "meshproxy":
                    self.assertIn(imported.partition(".")[0], allowed, f"{name} imports {imported}")
            calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            forbidden = {"time.time", "time.monotonic", "datetime.now", "datetime.datetime.now", "os.urandom", "secrets.token_bytes"}
            self.assertEqual(set(), calls & forbidden, name)

    def test_the_two_legs_do_not_know_each_other(self) -> None:
        """``web/`` does not import ``upstream/``, nor the other way round: they meet in ``core/ports``."""
        for folder, other in (("web", "upstream"), ("upstream", "web")):
            for name, tree in modules(folder):
                for imported in imports(name, tree, runtime=False):
                    self.assertFalse(within(imported, f"meshproxy.{other}"), f"{name} imports {imported}")

    def test_builtins_have_no_private_door(self) -> None:
        """``builtin/`` imports of ours ``meshproxy.api`` alone, as any plugin does."""
        for name, tree in modules("builtin"):
            for imported in imports(name, tree, runtime=False):
                if within(imported, "meshproxy") and imported != "meshproxy":
                    self.assertTrue(within(imported, "meshproxy.api"), f"{name} imports {imported}")

    def test_the_reactor_is_an_argument(self) -> None:
        """Only the ways in take the global reactor: twistd, the command line, and a worker process."""
        for name, tree in modules():
            if "twisted.internet.reactor" in imports(name, tree, runtime=False):
                self.assertIn(name, GLOBAL_REACTOR)

    def test_the_stock_proxy_stands_in_one_place(self) -> None:
        """``twisted.web.proxy``, whose import installs the global reactor, is imported only where our resource is one of its kind."""
        found = [name for name, tree in modules() if any(within(imported, "twisted.web.proxy") for imported in imports(name, tree))]
        self.assertEqual([STOCK_PROXY], found)

    def test_every_module_has_its_tests(self) -> None:
        """``meshproxy/x/y.py`` has ``tests/test_y.py``."""
        missing = {
            name for name, _ in modules()
            if Path(name).stem not in ("__init__", "__main__") and not (ROOT / "tests" / f"test_{Path(name).stem}.py").exists()
        }
        self.assertEqual([], sorted(missing))

    def test_rooms_are_small(self) -> None:
        """No file is longer than 400 lines and no function than 60."""
        for name, tree in modules():
            lines = (PACKAGE / name).read_text("utf-8").count("\n")
            self.assertLessEqual(lines, LONGEST_FILE, name)
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    length = (node.end_lineno or 0) - node.lineno + 1
                    self.assertLessEqual(length, LONGEST_FUNCTION, f"{name}: {node.name}")

    def test_every_module_says_what_it_answers(self) -> None:
        """Every module begins with a docstring."""
        self.assertEqual([], [name for name, tree in modules() if tree.body and not ast.get_docstring(tree)])

    def test_cancellation_is_not_swallowed(self) -> None:
        """``except Exception`` around an ``await`` lets ``CancelledError`` through: Twisted's is an ordinary exception."""
        for name, tree in modules():
            for node in ast.walk(tree):
                if isinstance(node, ast.Try) and any(isinstance(child, ast.Await) for part in node.body for child in ast.walk(part)):
                    self.assertFalse(_swallows(node), f"{name}:{node.lineno}")

    def test_the_twistd_plugin_imports_nothing_of_ours(self) -> None:
        """twistd reads the plugin for every command: it must be cheap, and its folders are Twisted's packages, not ours."""
        tree = ast.parse((ROOT / "twisted" / "plugins" / "meshproxy_plugin.py").read_text("utf-8"))
        self.assertEqual({"twisted"}, {imported.partition(".")[0] for imported in imports("x.py", tree)})
        self.assertEqual([], [*(ROOT / "twisted").rglob("__init__.py")])

    def test_every_hook_is_documented(self) -> None:
        """Each hook stands in ``docs/plugins.md``."""
        tree = ast.parse((PACKAGE / "hookspecs.py").read_text("utf-8"))
        hooks = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self.assertEqual(4, len(hooks))
        text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
        for hook in hooks:
            self.assertIn(hook, text)

    def test_the_embedded_default_is_valid(self) -> None:
        """Every file of ``conf/`` loads, without a problem; what it warns about is that its session key lives for one run."""
        from meshproxy.configured import read

        configured = read(ROOT / "conf")
        self.assertEqual({"headers", "admin"}, {service.name for service in configured.settings.services})


def _names(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rpartition(".")[2] for kind in kinds}


def _swallows(node: ast.Try) -> bool:
    for handler in node.handlers:
        names = _names(handler)
        if "CancelledError" in names:
            return False  # named: it was thought of
        if names & {"Exception", "BaseException"}:
            return not any(isinstance(child, ast.Raise) for part in handler.body for child in ast.walk(part))
    return False
