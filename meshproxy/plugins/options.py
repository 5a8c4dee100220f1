"""What does a table say to its plugin? The rest of it, validated by the plugin's own ``Settings``, secrets found, paths made whole.

The rule: one way for every plugin, as for meshproxy's own keys: unknown keys refused with a hint, all problems at once, no message with
a secret in it. Without a ``Settings`` model the plugin gets its table as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from ..config.complaints import dotted, explain
from ..config.intake import Intake
from ..config.secret_values import find_secret
from ..config.wrong import did_you_mean
from ..settings import PluginTable

_FORMS = ("", "_file", "_env")


def read_options(cls: type, table: PluginTable, intake: Intake) -> Any:
    """The plugin's settings: an instance of its ``Settings``, else a dict; ``None`` after complaining to ``intake``."""
    file = shown(table.file, intake.conf_dir)
    before = len(intake.problems)
    model = getattr(cls, "Settings", None)
    secrets = _secret_fields(cls, model, table.options)
    options, unfound = _with_secrets(intake, file, table, secrets, _keys(model) if model else frozenset())
    if model is None:
        if options and cls.__init__ is object.__init__:  # type: ignore[misc]
            intake.complain(file, f"{table.key}.{next(iter(options))}", f"unknown key: {table.use} has no settings")
        return None if len(intake.problems) > before else options
    if model.model_config.get("extra") != "allow":
        for key in options.keys() - _keys(model):
            hint = did_you_mean(key, [*_keys(model), *(secret + form for secret in secrets for form in _FORMS)])
            intake.complain(file, f"{table.key}.{key}", "unknown key", hint)
            del options[key]
    _make_paths_whole(intake, model, options)
    settings = _validated(intake, file, table, model, options, unfound)
    if settings is not None:
        check = getattr(cls, "check_settings", None)
        for problem in check(settings, intake.path) if check else ():
            # without a file the problem is with the table itself
            where = shown(problem.file, intake.conf_dir) if problem.file else file
            key = problem.key if problem.file else f"{table.key}.{problem.key}"
            intake.complain(where, key, problem.message, problem.hint)
    return None if len(intake.problems) > before else settings


def shown(file: Path | str, conf_dir: Path) -> str:
    """A file as the operator knows it: relative to the conf directory where it lies inside."""
    path = Path(file)
    whole = path.absolute()
    return str(whole.relative_to(conf_dir)) if whole.is_relative_to(conf_dir) else str(path)


def _keys(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(info.alias or name for name, info in model.model_fields.items())


def _secret_fields(cls: type, model: type[BaseModel] | None, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that hold a secret: named in the class's ``secret_fields``, of a pydantic secret type, or a text that the table gives
    as one (``X_file``, ``X_env``) although the model says no more than ``str``.
    """
    named: Iterable[str] = getattr(cls, "secret_fields", ())
    fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()} if model else {}
    typed = (key for key, annotation in fields.items() if _mentions(annotation, SecretStr, SecretBytes))
    given = (
        key for key, annotation in fields.items()
        if annotation in (str, str | None) and any(key + form in options and key + form not in fields for form in _FORMS[1:])
    )
    return tuple(dict.fromkeys((*named, *typed, *given)))


def _mentions(annotation: Any, *types: type) -> bool:
    return annotation in types or any(_mentions(inner, *types) for inner in get_args(annotation))


def _with_secrets(
    intake: Intake, file: str, table: PluginTable, secrets: Iterable[str], keys: frozenset[str]
) -> tuple[dict[str, Any], frozenset[str]]:
    """The options with each secret under its own name, and the names of those that were given and could not be found."""
    options = dict(table.options)
    unfound = set()
    for name in secrets:
        given: dict[str, Any] = {}
        for form in _FORMS:
            if name + form in options and (not form or name + form not in keys):
                given[form] = options.pop(name + form)
        wrong = [form for form, value in given.items() if not isinstance(value, str)]
        for form in wrong:
            intake.complain(file, f"{table.key}.{name}{form}", "must be a string in quotes")
        found = None if wrong else find_secret(intake, file, table.key, name, given.get(""), given.get("_file"), given.get("_env"))
        if found is not None:
            options[name] = found
        elif given:
            unfound.add(name)
    return options, frozenset(unfound)


def _make_paths_whole(intake: Intake, model: type[BaseModel], options: dict[str, Any]) -> None:
    """Texts for keys of type ``Path`` become paths in the conf directory, and files whose change is noticed."""
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key in options and _mentions(info.annotation, Path):
            options[key] = _whole(intake, options[key])


def _whole(intake: Intake, value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(intake, each) for each in value]
    if isinstance(value, str) and value:
        path = intake.path(value)
        intake.files.add(path)
        return path
    return value


def _validated(
    intake: Intake, file: str, table: PluginTable, model: type[BaseModel], options: Mapping[str, Any], unfound: frozenset[str]
) -> BaseModel | None:
    try:
        return model.model_validate(dict(options))
    except ValidationError as refusal:
        for key, message, hint in _refusals(model, refusal):
            if key not in unfound:
                intake.complain(file, f"{table.key}.{key}" if key else table.key, message, hint)
        return None


def _refusals(model: type[BaseModel], refusal: ValidationError) -> Iterator[tuple[str, str, str | None]]:
    for error in refusal.errors(include_url=False):
        message, hint = explain(model, error)
        yield dotted(error["loc"]), message, hint
