"""What does one conf file say, and where is it wrong? A draft: a model that is always there, and the places that are not to be trusted.

The rule: one wrong key does not hide the next. What is wrong is reported, taken out (or replaced by the key's example where it is
required), and the rest is read again, so that the checks that compare values can still run; they leave flawed places alone.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from .complaints import Location, dotted, explain, table_at
from .intake import Intake

M = TypeVar("M", bound=BaseModel)

#: Taking out one thing can make another one missing, never many times in a row.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Draft(Generic[M]):
    """One conf file as far as it can be read.

    :ivar file: as operators know it, relative to the conf directory.
    :ivar said: what it says, wrong places mended.
    :ivar raw: what it says, as TOML.
    :ivar flaws: the dotted keys of the wrong places; "" when the whole file could not be read.
    """

    file: str
    said: M
    raw: Mapping[str, Any]
    flaws: frozenset[str] = frozenset()

    def flawed(self, key: str) -> bool:
        """Whether something at, in or around this key is wrong already: comparing it with others would mislead."""
        return any(
            not flaw or flaw == key or flaw.startswith(key + ".") or key.startswith(flaw + ".") for flaw in self.flaws
        )


def read_draft(intake: Intake, file: str, model: type[M]) -> Draft[M]:
    """Read a TOML file of the conf directory; its problems go to ``intake``."""
    raw = read_toml(intake, file)
    if raw is None:
        said, _ = _mend(model, {})
        return Draft(file, said, {}, frozenset({""}))
    said, flaws = _mend(model, raw, intake, file)
    return Draft(file, said, raw, flaws)


def read_toml(intake: Intake, file: str) -> dict[str, Any] | None:
    """The file's content; complains, with the line, and returns ``None`` where it is not TOML."""
    content = intake.read(file, "", file)
    if content is None:
        return None
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        intake.complain(file, "", f"is not UTF-8 text (at line {line})")
    except tomllib.TOMLDecodeError as error:
        last = content.count(b"\n", 0, len(content.rstrip())) + 1
        intake.complain(file, "", f"is not TOML: {error}".replace("at end of document", f"at line {last}, the end"))
    except RecursionError:
        intake.complain(file, "", "is not TOML: nested too deeply")
    return None


def _mend(model: type[M], raw: dict[str, Any], intake: Intake | None = None, file: str = "") -> tuple[M, frozenset[str]]:
    """The model of ``raw`` with what is wrong taken out or replaced, and the places where that happened."""
    mended = copy.deepcopy(raw)
    flaws: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(mended), frozenset(flaws)
        except ValidationError as refusal:
            for error in refusal.errors(include_url=False):
                key = dotted(error["loc"])
                if key not in flaws and intake is not None:
                    intake.complain(file, key, *explain(model, error))
                flaws.add(key)
                _take_out(model, mended, [part for part in error["loc"] if part != "[key]"])
    raise AssertionError(f"the stand-ins of {model.__name__} do not satisfy it")


def _take_out(model: type[BaseModel], raw: Any, location: Location) -> None:
    """Remove what stands at ``location``; a required key gets its example instead.

    Of a list everything goes: without one element the others would not stand where the next error says.
    """
    if isinstance(location[-1], int):
        location = location[:-1]
    *way, name = location
    place = raw
    for part in way:
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            return  # what stood around it has gone already
    table = table_at(model, way)
    info = table.model_fields.get(str(name)) if table else None
    if info is not None and info.is_required() and info.examples:
        place[name] = info.examples[0]
    else:
        place.pop(name, None)
