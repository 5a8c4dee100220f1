"""Is this class what it says? Hooks, names, signatures and interfaces of :mod:`meshproxy.api`, judged before anything is made.

The rule: everything that is wrong with a plugin is said at once, in the author's words: which class, which method, what was expected.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from zope.interface.exceptions import (  # type: ignore[attr-defined]
    BrokenImplementation,
    BrokenMethodImplementation,
    Invalid,
    MultipleInvalid,
)
from zope.interface.interface import InterfaceClass, Method
from zope.interface.verify import verifyClass, verifyObject

from .. import api, hookspecs
from ..config.wrong import did_you_mean, one_of
from ..core.fields import is_protected, is_token

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("meshproxy_"))
KINDS = tuple(hook.removeprefix("meshproxy_").removesuffix("s") for hook in HOOKS)
"""``identity_provider``, ``header_rewriter``, ``audit_logger``, ``session_store``: what ``meshproxy plugins`` says too."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

#: The interfaces that a class of a kind may satisfy; each whole or not at all, and at least one.
_CHOICES: dict[str, tuple[InterfaceClass, ...]] = {
    "identity_provider": (api.IFormProvider, api.IRequestProvider, api.IRedirectProvider),
    "header_rewriter": (api.IIdentityFields, api.ITokenFields, api.IRequestRewriter, api.IResponseRewriter),
    "audit_logger": (api.IAuditLogger,),
    "session_store": (api.ISessionStore,),
}
#: Methods that a class may have besides.
_OPTIONAL: dict[str, tuple[InterfaceClass, ...]] = {
    "identity_provider": (api.IRenews, api.IEndsSession, api.IRevokes, api.IBackchannelLogout, api.IKnowsPeople),
}
_STORE_NAMES_TAKEN = {"cookie": "it keeps the sealed session in the browser, and is no plugin"}


def kind_of(hook: str) -> str:
    """``header_rewriter`` of ``meshproxy_header_rewriters``."""
    return KINDS[HOOKS.index(hook)]


def kinds_of(cls: object) -> list[str]:
    """The kinds whose methods a class has; where it has none of a kind's whole, those of which it has one at all."""
    if not isinstance(cls, type):
        return []
    whole = [kind for kind in KINDS if any(all(hasattr(cls, name) for name in _own_methods(each)) for each in _CHOICES[kind])]
    return whole or [kind for kind in KINDS if _satisfied(kind, cls)]


def check_class(kind: str, cls: object) -> list[str]:
    """All that is wrong with a class that a plugin registered; each begins with the class's name."""
    if not isinstance(cls, type):
        return [f"{cls!r} is no class"]
    found = [*_name(kind, cls), *_constructor(cls), *_settings_model(cls), *_interfaces(kind, cls)]
    if kind == "header_rewriter":
        found += _rewriter(cls)
    return [f"{cls.__name__}: {what}" for what in found]


def check_instance(kind: str, instance: object) -> list[str]:
    """What only the instance shows: attributes that ``__init__`` sets."""
    found: list[str] = []
    for interface in _satisfied(kind, instance):
        found += _complaints(verifyObject, interface, instance)
    if kind == "header_rewriter":
        for attribute in ("managed_fields", "stripped_fields"):
            found += _field_names(attribute, getattr(instance, attribute, ()))
    return list(dict.fromkeys(found))


def capabilities(instance_or_class: object) -> frozenset[str]:
    """How a provider finds out who is asking: any of ``form``, ``request``, ``redirect``."""
    names = {"verify": "form", "authenticate": "request", "begin": "redirect"}
    return frozenset(what for method, what in names.items() if hasattr(instance_or_class, method))


def _name(kind: str, cls: type) -> Iterator[str]:
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        what = f"{name!r} is no name" if name else "has no name"
        yield f"{what}: it is a class attribute `name`, of letters, digits and '-'"
    elif kind == "session_store" and name in _STORE_NAMES_TAKEN:
        yield f"the name {name!r} is taken: {_STORE_NAMES_TAKEN[name]}"


def _constructor(cls: type) -> Iterator[str]:
    if cls.__init__ is object.__init__:  # type: ignore[misc]
        return
    try:
        inspect.signature(cls).bind(None, None)
    except TypeError:
        yield f"__init__{inspect.signature(cls)} cannot be called with (settings, context)"
    except ValueError:
        return


def _settings_model(cls: type) -> Iterator[str]:
    model = getattr(cls, "Settings", None)
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "Settings is no pydantic model (class Settings(pydantic.BaseModel): …)"


def _own_methods(interface: InterfaceClass) -> dict[str, Method]:
    return {name: what for name, what in interface.namesAndDescriptions(all=False) if isinstance(what, Method)}


def _satisfied(kind: str, candidate: object) -> list[InterfaceClass]:
    """The interfaces of which it has a method at all: those it means to satisfy."""
    every = (*_CHOICES[kind], *_OPTIONAL.get(kind, ()))
    return [interface for interface in every if any(hasattr(candidate, name) for name in _own_methods(interface))]


def _interfaces(kind: str, cls: type) -> list[str]:
    meant = _satisfied(kind, cls)
    if not any(interface in _CHOICES[kind] for interface in meant):
        wanted = [" and ".join(_signature(method) for method in _own_methods(each).values()) for each in _CHOICES[kind]]
        return [f"lacks {', or '.join(wanted)}{_close(cls, (name for each in _CHOICES[kind] for name in _own_methods(each)))}"]
    found = [what for interface in meant for what in _complaints(verifyClass, interface, cls)]
    return list(dict.fromkeys(found))


def _complaints(verify: Any, interface: InterfaceClass, candidate: object) -> list[str]:
    try:
        verify(interface, candidate, tentative=True)
    except MultipleInvalid as several:
        return [_words(each, candidate) for each in several.exceptions]
    except Invalid as one:
        return [_words(one, candidate)]
    return []


def _words(error: Any, candidate: object) -> str:
    if isinstance(error, BrokenMethodImplementation):
        return f"{error.method.getName()} must be callable as {_signature(error.method)}: {error.mess}"
    if isinstance(error, BrokenImplementation):
        what = error.interface.get(str(getattr(error.name, "__name__", error.name)))
        if isinstance(what, Method):
            return f"lacks {_signature(what)}{_close(candidate, [what.getName()])}"
        return f"lacks {what.__name__ if what is not None else error.name}"
    return str(error)


def _signature(method: Method) -> str:
    return f"{method.getName()}{method.getSignatureString()}"


def _close(candidate: object, wanted: Iterable[str]) -> str:
    """``(has verfy …)``: the author's own method that is probably meant."""
    cls = candidate if isinstance(candidate, type) else type(candidate)
    own = [name for name in vars(cls) if not name.startswith("_") and callable(getattr(cls, name, None))]
    for name in wanted:
        hint = did_you_mean(name, own)
        if hint:
            return f" (it has {hint.removeprefix('did you mean ').removesuffix('?')})"
    return ""


def _rewriter(cls: type) -> Iterator[str]:
    if hasattr(cls, "identity_fields") and hasattr(cls, "token_fields"):
        yield "has both identity_fields and token_fields: one of them tells who is there"
    for interface in _CHOICES["header_rewriter"]:
        for name in _own_methods(interface):
            if inspect.iscoroutinefunction(getattr(cls, name, None)):
                yield f"{name} is asynchronous; rewriters answer at once"
    for attribute in ("managed_fields", "stripped_fields"):
        names = inspect.getattr_static(cls, attribute, ())
        if isinstance(names, list | tuple | set | frozenset | str | bytes):
            yield from _field_names(attribute, names)


def _field_names(attribute: str, names: object) -> list[str]:
    if not isinstance(names, list | tuple | set | frozenset):
        return [f"{attribute} is no list of bytes: [b\"X-Name\"]"]
    found = []
    for name in names:
        if not isinstance(name, bytes):
            found.append(f"{attribute}: {name!r} is not bytes: write b\"X-Name\"")
        elif not is_token(name):
            found.append(f"{attribute}: {name!r} is no field name")
        elif is_protected(name):
            found.append(f"{attribute}: {name.decode()} is meshproxy's own, no rewriter's")
    return found


def hook_mistakes(implementation: Any, is_hook: Any) -> list[str]:
    """Functions that look like hooks and are none: misspelt, or without ``@hookimpl``.

    :param is_hook: says whether a function carries ``@hookimpl``.
    """
    found = []
    for name in dir(implementation):
        marked = is_hook(name)
        if marked and name not in HOOKS:
            hint = did_you_mean(name, HOOKS)
            found.append(f"{name}: no such hook ({hint or f'there are {one_of(HOOKS)}'})")
        elif not marked and name in HOOKS:
            found.append(f"{name} lacks @hookimpl above it")
        elif not marked and name.startswith("meshproxy_") and did_you_mean(name, HOOKS) and callable(getattr(implementation, name, None)):
            found.append(f"{name}: no such hook ({did_you_mean(name, HOOKS)}), and it lacks @hookimpl")
    return found


__all__ = ["HOOKS", "KINDS", "capabilities", "check_class", "check_instance", "hook_mistakes", "kind_of", "kinds_of"]
