"""Configuration that people write, read by pydantic: every fault at once, each with its place, in both languages."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from etl.pages.text import Text
from etl.suggestions import did_you_mean

Kind = TypeVar("Kind")
CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""How every class of a configuration is read: no unknown key, no text taken for a number, no infinity."""
GIVEN: Mapping[str, Any] = {"is_given": True}
"""Metadata of a field that is known from elsewhere, such as a folder's name, and not written in the file."""
WANTED = "wanted"
"""Metadata of a field: the sentence that says what it must be, for where it is something else."""
_TYPES = {
    "string": Text("a text", "文本"),
    "int": Text("a whole number", "整数"),
    "float": Text("a number", "数字"),
    "bool": Text("true or false", "true 或 false"),
    "tuple": Text("a list", "列表"),
    "dict": Text("a table", "表"),
    "mapping": Text("a table", "表"),
    "dataclass": Text("a table", "表"),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of a file, such as `matching.covariates`; an empty place is the file as a whole."""

    place: str
    problem: Text

    def __str__(self) -> str:
        """Return the fault in English."""
        return self.to_text().en

    def to_text(self) -> Text:
        """Return place and problem as one line in both languages."""
        if not self.place:
            return self.problem
        return Text(f"{self.place}: {self.problem.en}", f"{self.place}：{self.problem.zh}")


class FaultsError(ValueError):
    """Faults that a check of ours finds while pydantic reads; it keeps them, with the place of the part that was checked."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise all the faults of one part at once, if there are any."""
    if found := list(faults):
        raise FaultsError(found)


def parse_toml(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Return the tables of a TOML file (UTF-8, with or without mark), or why it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig")), []
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault("", Text(f"not TOML: {error}", f"不是有效的 TOML：{error}"))]
    except UnicodeDecodeError:
        return {}, [Fault("", Text("the file is not UTF-8", "文件不是 UTF-8 编码"))]


def validate(kind: type[Kind], content: Mapping[str, Any]) -> tuple[Kind | None, list[Fault]]:
    """Return content as the pydantic dataclass `kind`, or every fault of it."""
    # As JSON, so that a list can be a tuple while a text is still no number.
    text = json.dumps(content, default=str, allow_nan=True)
    try:
        return TypeAdapter(kind).validate_json(text), []
    except ValidationError as error:
        return None, describe_faults(error, kind)


def change(part: Kind, changes: Mapping[str, Any]) -> Kind:
    """Return a part of a configuration with some of its keys given another value, checked like the part itself.

    Raises:
        FaultsError: a key that the part does not have, or a value that does not fit.
    """
    changed, faults = validate(type(part), dataclasses.asdict(part) | dict(changes))  # type: ignore[call-overload]
    raise_faults(faults)
    assert changed is not None
    return changed


def describe_faults(error: ValidationError, kind: type) -> list[Fault]:
    """Return what pydantic found, in the order of the file; what a person wrote stands in it only where it is one of a few words."""
    found = [fault for item in error.errors(include_url=False) for fault in _describe(item, kind)]
    return list(dict.fromkeys(found))


def _describe(item: Any, kind: type) -> Iterable[Fault]:
    place = name_place(item["loc"])
    found = item.get("ctx", {}).get("error")
    if isinstance(found, FaultsError):
        for fault in found.faults:
            yield Fault(".".join(filter(None, (place, fault.place))), fault.problem)
        return
    code = item["type"]
    if code in ("unexpected_keyword_argument", "extra_forbidden"):
        yield _describe_unknown(item["loc"], kind)
    elif code in ("missing", "missing_argument"):
        yield Fault(place, Text("this key is missing", "缺少该键"))
    elif (said := _find_wanted(kind, item["loc"])) is not None:
        yield said
    elif code == "string_too_short":
        yield Fault(place, Text("must not be empty", "不能为空"))
    elif code == "literal_error":
        expected = item["ctx"]["expected"].replace(" or ", ", ")
        yield Fault(place, Text(f"{item['input']!r} is none of {expected}", f"{item['input']!r} 不在 {expected} 之中"))
    elif (wanted := _TYPES.get(code.removesuffix("_type"))) is not None:
        given = _name_type(item["input"])
        yield Fault(place, Text(f"{wanted.en} is needed, not {given.en}", f"应为{wanted.zh}，而不是{given.zh}"))
    else:
        yield Fault(place, Text(item["msg"], item["msg"]))


def name_place(location: Sequence[str | int]) -> str:
    """Return a place as people count: `endpoints[1].landmarks[2]` is the second landmark of the first endpoint."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")


def suggest(word: str, known: Iterable[str]) -> Text:
    """Return what was probably meant by a word, else what is known."""
    names = list(known)
    near = did_you_mean(word, names)
    return near if near.en else Text(f" Known: {', '.join(names)}.", f"可用的有：{'、'.join(names)}。")


def _describe_unknown(location: Sequence[str | int], kind: type) -> Fault:
    key = str(location[-1])
    hint = suggest(key, _list_keys(kind, location[:-1]))
    return Fault(name_place(location[:-1]), Text(f"unknown key {key}.{hint.en}", f"未知的键 {key}。{hint.zh}"))


def _find_wanted(kind: Any, location: Sequence[str | int]) -> Fault | None:
    """Return what the innermost field on the way to a place says that it must be."""
    found = None
    for i, part in enumerate(location, 1):
        if dataclasses.is_dataclass(kind) and isinstance(part, str):
            said = next((field.metadata.get(WANTED) for field in dataclasses.fields(kind) if field.name == part), None)
            found = Fault(name_place(location[:i]), said) if said else found
        kind = _enter(kind, part)
    return found


def _enter(kind: Any, part: str | int) -> Any:
    """Return the class of what lies at one step of a place: a field of a class, an item of a list, a value of a table."""
    if dataclasses.is_dataclass(kind) and isinstance(part, str):
        kind = get_type_hints(kind).get(part)
    return next((k for k in (kind, *get_args(kind)) if dataclasses.is_dataclass(k)), kind)


def _list_keys(kind: Any, location: Sequence[str | int]) -> list[str]:
    """Return the keys of the table at a place, found by the types that the classes declare."""
    for part in location:
        kind = _enter(kind, part)
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return [field.name for field in fields if not field.metadata.get("is_given")]


def _name_type(value: object) -> Text:
    names = {str: "string", bool: "bool", int: "int", float: "float", list: "tuple", dict: "dict"}
    return _TYPES.get(names.get(type(value), ""), Text("nothing", "空值"))
