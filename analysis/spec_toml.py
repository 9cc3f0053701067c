"""From TOML tables to frozen dataclasses: every key checked against the fields a class declares."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from etl.errors import UsageError


def make_fault(where: str, problem: str) -> UsageError:
    """The error that names what in a specification is not as it should be."""
    return UsageError(f"specification of {where}: {problem}", f"研究方案 {where}：{problem}")


def convert(value: Any, kind: Any, where: str) -> Any:
    """Return a TOML value as the type a field declares; `UsageError` says which key is wrong."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType:  # an optional part, given
        return convert(value, arguments[0], where)
    if origin is tuple:
        return tuple(
            convert(item, arguments[0], f"{where}[{i}]") for i, item in enumerate(_expect(value, list, where), start=1)
        )
    if dataclasses.is_dataclass(kind):
        return _convert_table(value, kind, where)
    if origin is Literal:
        if value not in arguments:
            raise make_fault(where, f"{value!r} is none of {', '.join(map(repr, arguments))}")
        return value
    if kind is float and type(value) is int:
        return float(value)
    return _expect(value, dict if origin is Mapping else kind, where)


def _expect(value: Any, kind: type, where: str) -> Any:
    if type(value) is kind or (kind is Path and isinstance(value, Path)):
        return value
    raise make_fault(where, f"{kind.__name__} is needed, not {type(value).__name__}")


def _convert_table(value: Any, kind: Any, where: str) -> Any:
    _expect(value, dict, where)
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    if unknown := [key for key in value if key not in hints]:
        raise make_fault(where, f"unknown key {', '.join(unknown)}; known are {', '.join(hints)}")
    required = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing := [name for name in required if name not in value]:
        raise make_fault(where, f"key missing: {', '.join(missing)}")
    return kind(**{key: convert(item, hints[key], f"{where}.{key}") for key, item in value.items()})


def change_keys(part: Any, changes: Mapping[str, Any], where: str) -> Any:
    """A part of the specification with some of its keys given another value."""
    if not changes:
        return part
    if part is None:
        raise make_fault(where, "the study has no such part to change")
    hints = get_type_hints(type(part))
    if unknown := [key for key in changes if key not in hints]:
        raise make_fault(where, f"unknown key {', '.join(unknown)}; known are {', '.join(hints)}")
    return dataclasses.replace(
        part, **{key: convert(value, hints[key], f"{where}.{key}") for key, value in changes.items()}
    )
