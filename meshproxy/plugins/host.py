"""What may conf files ask for by name, and who makes it? The plugin host: registers, reports, checks tables, makes instances.

The rule: all problems of all plugins at once, before anything is made; a name belongs to whoever registered it first, and the built-ins do.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from .. import hookspecs
from ..api import Context
from ..config.intake import Intake
from ..config.wrong import did_you_mean, one_of
from ..problems import ConfError, Problem
from ..settings import PluginTable, Settings
from .checking import HOOKS, KINDS, check_class, check_instance, hook_mistakes, kind_of, kinds_of
from .loading import BUILT_IN, Plugin, describe, find_plugins
from .options import read_options, shown

#: The key of a table that says which plugin it is for.
_USE_KEYS = {"identity_provider": "type", "header_rewriter": "use", "audit_logger": "type", "session_store": "store"}
_WORDS = {kind: kind.replace("_", " ").removeprefix("header ") for kind in KINDS}
_NO_PLUGIN_STORES = ("cookie",)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is to be said about tables, and the files that they read."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class _Registered:
    kind: str
    cls: type
    plugin: Plugin


class Plugins:
    """Every plugin that was found. Made by :meth:`load`, once at start-up: files in ``conf/plugins`` are not reloaded."""

    def __init__(self) -> None:
        self._plugins: list[Plugin] = []
        self._classes: dict[str, dict[str, _Registered]] = {kind: {} for kind in KINDS}

    @classmethod
    def load(cls, conf_dir: Path | None) -> Plugins:
        """Find, import and check: built-ins, installed packages, ``conf_dir/plugins/*.py``. Raises :class:`ConfError` with all problems."""
        plugins = cls()
        manager = pluggy.PluginManager("meshproxy")
        manager.add_hookspecs(hookspecs)
        problems: list[Problem] = []
        for found in find_plugins(conf_dir):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                problems.extend(plugins._register(manager, found))
        if problems:
            raise ConfError(problems)
        manager.check_pending()
        return plugins

    @classmethod
    def of(cls, *given: type) -> Plugins:
        """A host of these classes alone: for tests, and for programs that embed meshproxy. Raises :class:`ConfError`."""
        plugins = cls()
        plugin = Plugin("given", "given", None)
        mistakes: list[str] = []
        for each in given:
            kinds = kinds_of(each)
            mistakes += [] if kinds else [f"{each!r}: no interface of meshproxy.api is satisfied"]
            for kind in kinds:
                mistakes += check_class(kind, each) or plugins._take_name(kind, each, plugin)
        if mistakes:
            raise ConfError(Problem(plugin.source, "", message) for message in mistakes)
        return plugins

    def _register(self, manager: pluggy.PluginManager, plugin: Plugin) -> list[Problem]:
        """Take a plugin in; what is wrong with it."""
        key = "" if plugin.source.startswith("plugins/") else plugin.name
        self._plugins.append(plugin)
        mistakes = hook_mistakes(
            plugin.implementation, lambda name: manager.parse_hookimpl_opts(plugin.implementation, name) is not None
        )
        try:
            # A plugin's name is unique to pluggy; two packages may well call their entry points alike.
            manager.register(plugin.implementation, f"{plugin.source}: {plugin.name}")
        except (pluggy.PluginValidationError, ValueError) as error:
            return [Problem(plugin.source, key, message) for message in (*mistakes, " ".join(str(error).split()))]
        registered = False
        for hook in HOOKS:
            for implementation in getattr(manager.hook, hook).get_hookimpls():
                if implementation.plugin is plugin.implementation:
                    registered = True
                    mistakes += self._ask(hook, implementation, plugin)
        if not registered and not mistakes:
            mistakes.append(f"registers nothing: a function with @hookimpl and one of the names {one_of(HOOKS)} is missing")
        return [Problem(plugin.source, key, message) for message in mistakes]

    def _ask(self, hook: str, implementation: pluggy.HookImpl, plugin: Plugin) -> list[str]:
        """Call one hook of one plugin and take in the classes that it returns; what is wrong with them."""
        if implementation.hookwrapper or implementation.wrapper:
            return [f"{hook} is a wrapper: these hooks only return classes"]
        try:
            returned = implementation.function()
        except Exception as error:
            return [f"{hook} failed: {describe(error, plugin.file)}"]
        if not isinstance(returned, list | tuple):
            return [f"{hook} returned {type(returned).__name__}, not a list of classes"]
        mistakes: list[str] = []
        kind = kind_of(hook)
        for cls in returned:
            wrong = check_class(kind, cls)
            mistakes += wrong or self._take_name(kind, cls, plugin)
        return mistakes

    def _take_name(self, kind: str, cls: Any, plugin: Plugin) -> list[str]:
        name: str = cls.name
        holder = self._classes[kind].setdefault(name, _Registered(kind, cls, plugin))
        if holder.cls is cls:
            return []
        by = "a built-in" if holder.plugin.source == BUILT_IN else holder.plugin.source
        return [f"{cls.__name__}: the name {name!r} is taken by {by} ({_WORDS[kind]} {holder.cls.__name__})"]

    def classes(self, kind: str) -> Mapping[str, type]:
        """The classes of a kind (:data:`~.checking.KINDS`) by name."""
        return {name: registered.cls for name, registered in self._classes[kind].items()}

    def report(self) -> list[dict[str, Any]]:
        """What ``meshproxy plugins --json`` prints under ``plugins``."""
        return [
            {
                "name": plugin.name,
                "source": plugin.source,
                "registers": [
                    {"kind": registered.kind, "name": name}
                    for classes in self._classes.values()
                    for name, registered in classes.items()
                    if registered.plugin is plugin
                ],
            }
            for plugin in self._plugins
        ]

    def check(self, table: PluginTable, kind: str, conf_dir: Path, environ: Mapping[str, str] = os.environ) -> list[Problem]:
        """What is wrong with one table."""
        intake = Intake(conf_dir.absolute(), environ)
        self._read(table, kind, intake)
        return intake.problems

    def examine(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> Findings:
        """Everything that is to be said about the tables of a conf directory that plugins read."""
        intake = Intake(settings.conf_dir.absolute(), environ)
        for table, kind in tables_of(settings):
            self._read(table, kind, intake)
        return Findings(tuple(intake.problems), tuple(intake.warnings), frozenset(intake.files))

    def make(self, table: PluginTable, kind: str, context: Context, environ: Mapping[str, str] = os.environ) -> Any:
        """An instance for a table. Raises :class:`ConfError` with all that is wrong with it."""
        intake = Intake(context.conf_dir.absolute(), environ)
        settings = self._read(table, kind, intake)
        if intake.problems:
            raise ConfError(intake.problems)
        registered = self._classes[kind][table.use]
        file = shown(table.file, intake.conf_dir)
        made: Any = registered.cls
        try:
            instance = made() if made.__init__ is object.__init__ else made(settings, context)
        except ConfError as error:
            raise ConfError(
                Problem(shown(each.file, intake.conf_dir), each.key, each.message, each.hint) for each in error.problems
            ) from error
        except Exception as error:
            reason = f"{registered.plugin.source}: {describe(error, registered.plugin.file)}"
            raise ConfError([Problem(file, table.key, f"{_WORDS[kind]} {table.use!r} cannot be made: {reason}")]) from error
        wrong = check_instance(kind, instance)
        if wrong:
            raise ConfError(Problem(file, table.key, f"{_WORDS[kind]} {table.use!r}: {what}") for what in wrong)
        return instance

    def fingerprint(self, table: PluginTable, kind: str, conf_dir: Path, environ: Mapping[str, str] = os.environ) -> bytes:
        """A digest of all that an instance is made of: the table, the files and the environment variables that it names.

        The same after a reload: the instance may go on. Another one: it must be made anew, though the table reads the same.
        """
        intake = Intake(conf_dir.absolute(), environ)
        self._read(table, kind, intake)
        found = hashlib.sha256(repr((kind, table.use, table.name, dict(table.options))).encode(errors="surrogatepass"))
        for path in sorted(intake.files):
            content = path.read_bytes() if path.is_file() else b""
            found.update(repr((str(path), hashlib.sha256(content).digest())).encode(errors="surrogatepass"))
        for key, name in table.options.items():
            if key.endswith("_env") and isinstance(name, str):
                found.update(hashlib.sha256(environ.get(name, "").encode(errors="surrogatepass")).digest())
        return found.digest()

    def _read(self, table: PluginTable, kind: str, intake: Intake) -> Any:
        """The validated settings, or ``None`` after complaining."""
        registered = self._classes[kind].get(table.use)
        if registered is None:
            hint = did_you_mean(table.use, self._classes[kind]) or f"there are {', '.join(sorted(self._classes[kind]))}"
            key = f"{table.key}.{_USE_KEYS[kind]}"
            intake.complain(shown(table.file, intake.conf_dir), key, f"no {_WORDS[kind]} is called {table.use!r}", hint)
            return None
        return read_options(registered.cls, table, intake)


def tables_of(settings: Settings) -> Iterable[tuple[PluginTable, str]]:
    """Every table that a plugin reads, and its kind."""
    yield from ((table, "identity_provider") for table in settings.identity)
    yield from ((table, "audit_logger") for table in settings.audit)
    yield from ((table, "header_rewriter") for service in settings.services for table in service.rewrite)
    if settings.session.store not in _NO_PLUGIN_STORES:
        yield store_table(settings), "session_store"


def store_table(settings: Settings) -> PluginTable:
    """``[session]`` as the store's plugin reads it: the keys that are not meshproxy's; for ``redis`` where the Redis is."""
    session = settings.session
    options = dict(session.options)
    if session.store == "redis":
        options["redis_url"] = session.redis_url
        if session.redis_ca_file is not None:
            options["redis_ca_file"] = str(session.redis_ca_file)
    return PluginTable(session.store, session.store, options, Path("meshproxy.toml"), "session")
