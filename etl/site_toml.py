"""Whether site.toml has the form it should have: each fault with its place, before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def check_toml(header: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Yield what is wrong in a parsed site.toml of the hospital whose folder is given."""
    if header and header.get("hospital") != folder:
        yield f'site.toml: hospital must be "{folder}", the name of the folder'
    for key in ("name_en", "name_zh"):
        if not isinstance(header.get(key, ""), str):
            yield f"site.toml: {key} is not a text"
    sources, ignored = header.get("source", []), header.get("ignored", [])
    if not sources or not _are_tables(sources):
        yield "site.toml: no [[source]]"
        sources = []
    if not _are_tables(ignored):
        yield "site.toml: 'ignored' must be written [[ignored]]"
        ignored = []
    for number, item in enumerate(sources, 1):
        yield from (f"site.toml: [[source]] {number}: {fault}" for fault in _check_source(item))
    for number, item in enumerate(ignored, 1):
        yield from (
            f"site.toml: [[ignored]] {number}: {fault}" for fault in _check_texts(item, "file", ("sheet", "reason"))
        )
    names = [item.get("name") for item in sources]
    yield from (f"site.toml: two sources are called '{name}'" for name in dict.fromkeys(names) if names.count(name) > 1)
    header_row: dict[tuple[Any, Any], Any] = {}
    for item in sources:
        place = (item.get("file"), item.get("sheet"))
        if header_row.setdefault(place, item.get("header_row")) != item.get("header_row"):
            yield f"site.toml: source '{item.get('name')}' has another header_row than a source of the same sheet"


def _check_source(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _check_texts(item, "name", ("sheet",))
    yield from _check_texts(item, "file", ())
    row = item.get("header_row")
    if not isinstance(row, int) or isinstance(row, bool) or row < 1:
        yield "header_row must be a row number, 1 or more"
    if not isinstance(item.get("merged_ids", False), bool):
        yield "merged_ids must be true or false"
    row_filter, ignore = item.get("filter", {}), item.get("ignore", {})
    if not isinstance(row_filter, dict) or not all(map(_is_text_list, row_filter.values())):
        yield 'filter must be of the form: column = ["text", ...]'
    if not isinstance(ignore, dict) or not all(map(_is_ignore_rule, ignore.values())):
        yield 'ignore must be of the form: "name of the rule" = { column = "...", starts_with = ["text", ...] }'


def _check_texts(item: Mapping[str, Any], needed: str, optional: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(item.get(needed), str) or not item[needed]:
        yield f"'{needed}' is missing or no text"
    yield from (f"'{key}' is no text" for key in optional if not isinstance(item.get(key, ""), str))


def _is_ignore_rule(rule: object) -> bool:
    if not isinstance(rule, dict) or not isinstance(rule.get("column"), str):
        return False
    texts = [rule[key] for key in ("equals", "starts_with") if key in rule]
    # An empty text would start every row.
    return bool(texts) and all(_is_text_list(part) and all(part) for part in texts)


def _is_text_list(texts: object) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)


def _are_tables(items: object) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)
