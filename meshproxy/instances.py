"""Which plugin instances live in this process? One for each table, as long as the table and the files it read say the same.

A reload makes what is new before anything that runs is touched, and stops what is no longer used after it has been swapped out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.logger import Logger

from .api import Context
from .api.context import secrets_of
from .configured import Configured
from .identity.backchannel import BackChannel
from .plugins.host import store_table
from .rewriting import Rewriting
from .settings import PluginTable, ServiceSettings, Settings

Key = tuple[str, str, str, bytes]


class Instances:
    """The plugin instances of one process.

    :param invalidate: what a plugin calls when it knows something new.
    :param keys: the session keys as they are now; without any, a key of this process.
    """

    log = Logger()

    def __init__(self, reactor: Any, invalidate: Callable[[], None], keys: Callable[[], tuple[bytes, ...]] = tuple) -> None:
        self._reactor = reactor
        self._keys = keys
        self._invalidate = invalidate
        self._http = BackChannel(reactor)
        self._made: dict[Key, Any] = {}

    def providers(self, configured: Configured) -> dict[str, Any]:
        """The identity providers, by the names of their tables. Raises :class:`meshproxy.problems.ConfError`."""
        return {table.name: self._get(configured, "identity_provider", table) for table in configured.settings.identity}

    def store(self, configured: Configured) -> Any:
        """The session store; ``None`` for ``store = "cookie"``, which is no plugin."""
        if configured.settings.session.store == "cookie":
            return None
        return self._get(configured, "session_store", store_table(configured.settings))

    def rewriting(self, configured: Configured, service: ServiceSettings) -> Rewriting:
        """A service's rewriters, in their order."""
        made = [self._get(configured, "header_rewriter", table, service.name) for table in service.rewrite]
        return Rewriting(made, Logger(namespace=f"meshproxy.service.{service.name}"))

    def published_keys(self, configured: Configured) -> dict[str, list[dict[str, Any]]]:
        """The key set (RFC 7517 §5) of the rewriters that sign what they say; each key once. Who cannot tell its keys is logged."""
        found: dict[str, dict[str, Any]] = {}
        for service in configured.settings.services:
            for table in service.rewrite:
                for key in self._keys_of(self._get(configured, "header_rewriter", table, service.name)):
                    found[str(key.get("kid"))] = key
        return {"keys": list(found.values())}

    def _keys_of(self, rewriter: Any) -> Iterable[dict[str, Any]]:
        try:
            return list(rewriter.published_keys()) if hasattr(rewriter, "published_keys") else ()
        except Exception:
            self.log.failure("rewriter {name} does not tell its keys", name=rewriter.name)
            return ()

    def known(self) -> set[Key]:
        """What lives now, to come back to with :meth:`stop_all_but`."""
        return set(self._made)

    def used_by(self, configured: Configured) -> set[Key]:
        """What a configuration uses."""
        settings = configured.settings
        used = {self._key(configured, "identity_provider", table) for table in settings.identity}
        used |= {self._key(configured, "header_rewriter", table, one.name) for one in settings.services for table in one.rewrite}
        used |= {key for key in self._made if key[0] == "session_store"}  # not reloaded
        return used

    def stop_all_but(self, kept: set[Key]) -> Deferred[Any]:
        """Stop the others; what goes wrong with that is logged."""
        return gatherResults([self._stop(key) for key in set(self._made) - kept])

    def _key(self, configured: Configured, kind: str, table: PluginTable, service: str = "") -> Key:
        return (kind, service, table.name, configured.plugins.fingerprint(table, kind, configured.settings.conf_dir))

    def _get(self, configured: Configured, kind: str, table: PluginTable, service: str = "") -> Any:
        key = self._key(configured, kind, table, service)
        if key not in self._made:
            self._made[key] = configured.plugins.make(table, kind, self._context(configured.settings, table.name, service))
        return self._made[key]

    def _context(self, settings: Settings, name: str, service: str) -> Context:
        return Context(
            name=name, reactor=self._reactor, log=Logger(namespace=f"meshproxy.plugin.{name}"), http=self._http,
            public_url=str(settings.public_url), conf_dir=settings.conf_dir, invalidate=self._invalidate, service=service,
            secrets=self._secrets,
        )

    def _secrets(self, purpose: str) -> tuple[bytes, ...]:
        return secrets_of(self._keys())(purpose)

    def _stop(self, key: Key) -> Deferred[Any]:
        one = self._made.pop(key)
        stopped = maybeDeferred(_call, one.stop) if hasattr(one, "stop") else succeed(None)
        return stopped.addErrback(lambda failure: self.log.failure("a plugin did not stop", failure))


def _call(function: Callable[[], Any]) -> Any:
    result = function()
    return Deferred.fromCoroutine(result) if hasattr(result, "send") else result
