"""What is said of a class that is not what it should be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.plugins.checking import HOOKS, KINDS, capabilities, check_class, check_instance, hook_mistakes, kind_of, kinds_of


def made(**attributes: Any) -> type:
    """A class of these attributes; a string is the signature of a method."""
    members = {
        name: eval(f"lambda self, {value[1:]}: None") if isinstance(value, str) and value.startswith("(") else value
        for name, value in attributes.items()
    }
    return type("Acme", (), members)


REWRITER: dict[str, Any] = {"name": "acme", "managed_fields": [b"X-Acme"], "identity_fields": "(principal"}
STORE: dict[str, Any] = {
    "name": "acme", "load": "(key", "save": "(key, value, expires_at, tags, if_version=None", "delete": "(key", "find": "(tag=None",
    "lock": "(key, seconds", "unlock": "(key, token",
}


class CheckClassTests(SynchronousTestCase):
    """One kind after the other."""

    def assertSays(self, kind: str, cls: object, *words: str) -> None:
        found = check_class(kind, cls)
        self.assertEqual(len(found), len(words), found)
        for sentence, word in zip(found, words, strict=True):
            self.assertIn(word, sentence)

    def test_right(self) -> None:
        """Classes that satisfy an interface pass, with further optional parameters and methods too."""
        for kind, attributes in (
            ("header_rewriter", REWRITER), ("header_rewriter", {**REWRITER, "rewrite_request": "(head, principal, more=None"}),
            ("session_store", STORE), ("audit_logger", {"name": "a", "record": "(event"}),
            ("identity_provider", {"name": "a", "verify": "(username, password"}),
            ("identity_provider", {"name": "a", "authenticate": "(r, p"}),
            ("identity_provider", {"name": "a", "begin": "(attempt", "finish": "(attempt, parameters", "renew": "(signed_in"}),
            ("identity_provider", {"name": "a", "verify": "(*arguments"}),
        ):
            self.assertEqual(check_class(kind, made(**attributes)), [], attributes)

    def test_names(self) -> None:
        """A name is there, and one word."""
        self.assertSays("audit_logger", made(record="(event"), "has no name")
        for bad in ("", None, 3, "a b", "-a", "ü"):
            self.assertSays("audit_logger", made(name=bad, record="(event"), "name")
        self.assertSays("session_store", made(**{**STORE, "name": "cookie"}), "'cookie' is taken")
        self.assertEqual(check_class("audit_logger", "not a class"), ["'not a class' is no class"])

    def test_missing_methods(self) -> None:
        """What lacks is named with its signature, and what was probably meant."""
        self.assertSays("audit_logger", made(name="a"), "lacks record(event)")
        self.assertSays("audit_logger", made(name="a", recrod="(event"), "lacks record(event) (it has 'recrod')")
        self.assertSays("header_rewriter", made(name="a", managed_fields=[], identity_feilds="(principal"), "(it has 'identity_feilds')")
        wanted = "lacks verify(username, password), or authenticate(request, peer), or begin(attempt)"
        self.assertSays("identity_provider", made(name="a"), wanted)
        self.assertSays("identity_provider", made(name="a", begin="(attempt"), "lacks finish(attempt, parameters)")
        self.assertSays("identity_provider", made(name="a", renew="(signed_in"), "lacks verify")
        missing = {name: value for name, value in STORE.items() if name not in ("lock", "unlock")}
        self.assertSays("session_store", made(**missing), "lacks lock(key, seconds)", "lacks unlock(key, token)")

    def test_signatures(self) -> None:
        """A method that cannot be called as it will be; a constructor too."""
        self.assertSays("audit_logger", made(name="a", record="("), "record must be callable as record(event)")
        self.assertSays("audit_logger", made(name="a", record="(event, more"), "too many arguments")
        self.assertSays("session_store", made(**{**STORE, "save": "(key, value, expires_at"}), "save must be callable as save(")
        self.assertSays("identity_provider", made(name="a", verify="(u, p", authenticate="(r"), "authenticate must be callable")

        class NoContext:
            name = "a"

            def __init__(self, settings: object) -> None:
                pass

            def record(self, event: object) -> None:
                pass

        self.assertSays("audit_logger", NoContext, "cannot be called with (settings, context)")

    def test_rewriters(self) -> None:
        """Managed names are bytes and free; one method tells who is there; none is asynchronous."""
        self.assertSays("header_rewriter", made(**{**REWRITER, "managed_fields": "X-Acme"}), "no list of bytes")
        self.assertSays("header_rewriter", made(**{**REWRITER, "managed_fields": ["X-Acme"]}), "'X-Acme' is not bytes")
        both = made(**{**REWRITER, "managed_fields": [b"X Acme", b"Host"]})
        self.assertSays("header_rewriter", both, "no field name", "Host is meshproxy's own")
        self.assertSays("header_rewriter", made(**{**REWRITER, "token_fields": "(signed_in"}), "both identity_fields and token_fields")

        async def later(self: object, principal: object) -> None:
            pass

        self.assertSays("header_rewriter", made(**{**REWRITER, "identity_fields": later}), "asynchronous")

    def test_settings(self) -> None:
        """Settings is a pydantic model."""
        self.assertSays("audit_logger", made(name="a", record="(event", Settings=dict), "no pydantic model")

    def test_instances(self) -> None:
        """What __init__ forgot to set is found; what it set is judged."""
        without = {name: value for name, value in REWRITER.items() if name != "managed_fields"}
        self.assertEqual(check_class("header_rewriter", made(**without)), [])
        self.assertIn("lacks managed_fields", check_instance("header_rewriter", made(**without)())[0])
        instance: Any = made(**without)()
        instance.managed_fields = (b"Content-Length",)
        self.assertEqual(check_instance("header_rewriter", instance), ["managed_fields: Content-Length is meshproxy's own, no rewriter's"])
        self.assertEqual(check_instance("header_rewriter", made(**REWRITER)()), [])


class HookTests(SynchronousTestCase):
    """Hooks by their names."""

    def test_kinds(self) -> None:
        """Four hooks, four kinds."""
        self.assertEqual(KINDS, ("identity_provider", "header_rewriter", "audit_logger", "session_store"))
        self.assertEqual([kind_of(hook) for hook in HOOKS], list(KINDS))
        self.assertEqual(kinds_of(made(**STORE)), ["session_store"])
        self.assertEqual(kinds_of(made(name="a", verify="(u, p", find="(username")), ["identity_provider"])
        self.assertEqual((kinds_of(made(name="a")), kinds_of(3)), ([], []))

    def test_capabilities(self) -> None:
        """How a provider finds out who is asking; it may know several ways."""
        self.assertEqual(capabilities(made(verify="(u, p", authenticate="(r, p")), {"form", "request"})
        self.assertEqual(capabilities(made(begin="(a", finish="(a, p")()), {"redirect"})

    def test_mistakes(self) -> None:
        """Misspelt hooks and forgotten decorators are told; other functions are the plugin's own affair."""
        plugin = SimpleNamespace(**dict.fromkeys(
            ("meshproxy_header_rewriter", "meshproxy_audit_loggers", "meshproxy_session_store", "meshproxy_x", "other"), list
        ))
        marked = {"meshproxy_header_rewriter", "other"}
        found = "\n".join(sorted(hook_mistakes(plugin, lambda name: name in marked)))
        self.assertIn("meshproxy_header_rewriter: no such hook (did you mean 'meshproxy_header_rewriters'?)", found)
        self.assertIn("meshproxy_audit_loggers lacks @hookimpl", found)
        self.assertIn("meshproxy_session_store: no such hook (did you mean 'meshproxy_session_stores'?), and it lacks @hookimpl", found)
        self.assertIn("other: no such hook (there are 'meshproxy_identity_providers', ", found)
        self.assertEqual(len(found.splitlines()), 4)
