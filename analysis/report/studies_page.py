"""Writes the page of the specification, key by key, from its declaration, so that the two cannot differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from string import Template
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from analysis.study.flow_steps import list_steps
from analysis.study.read_spec import SPEC_FILE, STUDIES
from analysis.study.spec import StudySpec
from schemas.markdown import render_table
from schemas.package_data import find_data

WORKED = ("pd1_drugs", "len_overlap", "tace_landmark", "viral_iptw", "all_progression")
"""The worked studies in the order of the page, from few keys to many."""
TYPE_NAMES = {str: "text", float: "number", int: "whole number", bool: "true or false"}
HEADER = ("key", "value", "if left out", "what it says")


def write_studies_page(path: Path) -> None:
    """Write the page as Markdown: how a study is made, every key of a specification, and the worked studies."""
    path.write_text(render_studies_page(), encoding="utf-8")


def render_studies_page() -> str:
    """Return the page's text."""
    template = find_data("analysis.report.templates", "studies.md").read_text(encoding="utf-8")
    criteria = [(f"`{name}`", label) for name, label in list_steps()[:-1]]
    return Template(template).substitute(
        keys="\n\n".join(_list_parts()),
        criteria=render_table(("criterion", "what it asks for"), criteria),
        worked="\n\n".join(map(_show_study, WORKED)),
    )


def _list_parts() -> Iterator[str]:
    """The keys outside any part, then every part with the tables inside it."""
    hints = get_type_hints(StudySpec, include_extras=True)
    parts = [item.name for item in dataclasses.fields(StudySpec) if _find_class(hints[item.name])]
    yield _render_keys(StudySpec, skipped=parts)
    shown: set[type] = set()
    for name in parts:
        yield from _render_part(name, hints[name], shown)


def _render_part(place: str, hint: Any, shown: set[type]) -> Iterator[str]:
    """A part with the tables inside it; a table that several parts hold is shown once."""
    kind = _find_class(hint)
    assert kind is not None
    opening = f"[[{place}]]" if _is_list(hint) else f"[{place}]"
    yield f"### `{opening}`\n\n{(kind.__doc__ or '').strip()}\n\n{_render_keys(kind)}"
    hints = get_type_hints(kind, include_extras=True)
    for item in dataclasses.fields(kind):
        inner = _find_class(hints[item.name])
        if inner is not None and inner not in shown:
            shown.add(inner)
            yield from _render_part(f"{place}.{item.name}", hints[item.name], shown)


def _render_keys(kind: Any, skipped: list[str] | None = None) -> str:
    hints = get_type_hints(kind, include_extras=True)
    rows = []
    for item in dataclasses.fields(kind):
        if item.metadata.get("is_given") or item.name in (skipped or ()):
            continue
        hint = hints[item.name]
        meaning = get_args(hint)[1] if get_origin(hint) is Annotated else ""
        rows.append((f"`{item.name}`", _name_type(hint), _name_default(item), meaning))
    return render_table(HEADER, rows)


def _find_class(hint: Any) -> type | None:
    """The class of a part's tables; none of a key that holds a value."""
    if dataclasses.is_dataclass(hint):
        return hint if isinstance(hint, type) else None
    return next((found for inner in get_args(hint) if (found := _find_class(inner)) is not None), None)


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is tuple or any(_is_list(inner) for inner in get_args(hint))


def _name_type(hint: Any) -> str:
    """What a key holds, in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _name_type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is tuple:
        return f"list of {_name_type(inner[0])}s" if inner[-1] is Ellipsis else f"{len(inner)} {_name_type(inner[0])}s"
    if _find_class(hint) is not None:
        return "table"
    if origin in (Union, UnionType):
        return " or ".join(_name_type(part) for part in inner if part is not type(None))
    return TYPE_NAMES.get(hint, "table" if origin else getattr(hint, "__name__", "value"))


def _name_default(item: dataclasses.Field[Any]) -> str:
    """What holds where the key is left out."""
    if item.default is dataclasses.MISSING:
        return "empty" if item.default_factory is not dataclasses.MISSING else "needed"
    if item.default in (None, "", (), 0) and item.default is not False:
        return "none"
    return f"`{str(item.default).lower()}`" if isinstance(item.default, bool) else f"`{item.default}`"


def _show_study(name: str) -> str:
    """A worked study: the comment at its head, and the file as it is."""
    text = (STUDIES / name / SPEC_FILE).read_text(encoding="utf-8")
    lines = text.splitlines()
    n_comment = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    words = " ".join(line.removeprefix("#").strip() for line in lines[:n_comment])
    body = "\n".join(lines[n_comment:]).strip()
    return f"### `{name}`\n\n{words}\n\n```toml\n{body}\n```"
