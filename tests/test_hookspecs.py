import pluggy
from twisted.trial import unittest

from meshproxy import hookspecs
from meshproxy.api import hookimpl


class HookSpecsTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.manager = pluggy.PluginManager("meshproxy")
        self.manager.add_hookspecs(hookspecs)

    def test_four_hooks_without_arguments(self) -> None:
        """There are four hooks, and none takes an argument: they register classes, once."""
        hooks = {name: getattr(self.manager.hook, name) for name in vars(hookspecs) if name.startswith("meshproxy_")}
        kinds = ("identity_providers", "header_rewriters", "audit_loggers", "session_stores")
        self.assertEqual({f"meshproxy_{kind}" for kind in kinds}, set(hooks))
        self.assertEqual([()] * 4, [hook.spec.argnames for hook in hooks.values()])

    def test_every_plugin_is_asked(self) -> None:
        """A hook gives the list of every plugin that implements it: the first does not win."""
        class One:
            @hookimpl
            def meshproxy_audit_loggers(self) -> list[type]:
                return [int]

        class Two:
            @hookimpl
            def meshproxy_audit_loggers(self) -> list[type]:
                return [str]

        self.manager.register(One())
        self.manager.register(Two())
        self.assertEqual([[str], [int]], self.manager.hook.meshproxy_audit_loggers())
        self.manager.check_pending()

    def test_a_misspelt_hook_is_found(self) -> None:
        """A hook that does not exist is an error at the start, not a plugin that is never asked."""
        class Misspelt:
            @hookimpl
            def meshproxy_audit_logger(self) -> list[type]:
                return []

        self.manager.register(Misspelt())
        self.assertRaises(pluggy.PluginValidationError, self.manager.check_pending)
