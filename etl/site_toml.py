"""Whether site.toml has the form it should have: each fault with its place, before anything is made of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ROW_NUMBER_PATIENT = "row number"
_TOP_KEYS = ("hospital", "name_en", "name_zh", "source", "ignored")
_SOURCE_KEYS = (
    "name",
    "file",
    "sheet",
    "header_row",
    "header_from",
    "header",
    "patient",
    "merged_ids",
    "filter",
    "ignore",
)
_IGNORED_KEYS = ("file", "sheet", "reason")


def check_toml(header: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Yield what is wrong in a parsed site.toml of the hospital whose folder is given."""
    if header and header.get("hospital") != folder:
        yield f'site.toml: hospital must be "{folder}", the name of the folder'
    for key in ("name_en", "name_zh"):
        if not isinstance(header.get(key, ""), str):
            yield f"site.toml: {key} is not a text"
    yield from (f"site.toml: {fault}" for fault in _check_keys(header, _TOP_KEYS))
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
        yield from (f"site.toml: [[ignored]] {number}: {fault}" for fault in _check_ignored(item))
    yield from (f"site.toml: {fault}" for fault in _compare_sources(sources))


def _compare_sources(sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what two sources say differently though they must agree."""
    names = [item.get("name") for item in sources]
    yield from (f"two sources are called '{name}'" for name in dict.fromkeys(names) if names.count(name) > 1)
    first: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for item in sources:
        other = first.setdefault((item.get("file"), item.get("sheet")), item)
        for key in ("header_row", "header_from", "header"):
            if item.get(key) != other.get(key):
                yield f"source '{item.get('name')}' has another {key} than a source of the same sheet"
    if any("patient" in item for item in sources) and (
        len(first) > 1 or not all("patient" in item for item in sources)
    ):
        yield (
            f'patient = "{ROW_NUMBER_PATIENT}" needs every source to read the same sheet and to say so: '
            "elsewhere the same number would be another patient"
        )


def _check_source(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _check_keys(item, _SOURCE_KEYS)
    yield from _check_texts(item, "name", ("sheet",))
    yield from _check_texts(item, "file", ())
    yield from _check_header(item)
    if item.get("patient", ROW_NUMBER_PATIENT) != ROW_NUMBER_PATIENT:
        yield f'patient can only be "{ROW_NUMBER_PATIENT}"; a column of patient numbers is named in columns.csv'
    if not isinstance(item.get("merged_ids", False), bool):
        yield "merged_ids must be true or false"
    row_filter, ignore = item.get("filter", {}), item.get("ignore", {})
    if not isinstance(row_filter, dict) or not all(map(_is_text_list, row_filter.values())):
        yield 'filter must be of the form: column = ["text", ...]'
    if not isinstance(ignore, dict) or not all(map(_is_ignore_rule, ignore.values())):
        yield 'ignore must be of the form: "name of the rule" = { column = "...", starts_with = ["text", ...] }'


def _check_header(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the place of the columns' names: a row of the file, or a list where it has none."""
    if "header" not in item:
        row = item.get("header_row")
        if not isinstance(row, int) or isinstance(row, bool) or row < 0:
            yield "header_row must be a row number, 1 or more (for a file without one, list the columns' names in header; 0 for SPSS, Stata and SAS)"
        first = item.get("header_from", 1)
        if (
            not isinstance(first, int)
            or isinstance(first, bool)
            or first < 1
            or (isinstance(row, int) and "header_from" in item and first >= row)
        ):
            yield "header_from must be the first of the rows that name the columns, above header_row, the last of them"
        return
    if "header_row" in item or "header_from" in item:
        yield "header_row and header exclude each other: header names the columns of a file without a header row"
    names = item["header"]
    if not _is_text_list(names) or not names or not all(name.strip() for name in names):
        yield 'header must list the names of all columns: header = ["text", ...]'
        return
    folded = [" ".join(unicodedata.normalize("NFKC", name).split()) for name in names]
    yield from (f"header names '{name}' twice" for name in dict.fromkeys(folded) if folded.count(name) > 1)


def _check_ignored(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _check_keys(item, _IGNORED_KEYS)
    yield from _check_texts(item, "file", ("sheet", "reason"))


def _check_keys(item: Mapping[str, Any], known: Sequence[str]) -> Iterator[str]:
    yield from (f"'{key}' is not known here; known: {', '.join(known)}" for key in item if key not in known)


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
