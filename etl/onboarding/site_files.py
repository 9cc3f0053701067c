"""Writes the three files of a mapping (docs/mapping.md) from decisions."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shutil
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from etl.mapping.patient_rows import JOINED, LAST
from etl.mapping.permission import Kind
from etl.mapping.read_site import CODES_HEADER, COLUMNS_HEADER
from etl.mapping.site import EVERY_SOURCE, EVERY_TABLE, SHARED, VISIT, normalise_text
from etl.mapping.site_file import PERMISSION
from etl.onboarding.decisions import CODE, COLUMN, HEADER_ROW, RECORDS, SHEET, Decision
from etl.onboarding.proposing.layout import FoundSource
from etl.onboarding.proposing.words import NO_LINE, NOT_NEEDED, NOT_SENT, VISIT_OF_ROW, list_meanings
from etl.pages.cells import neutralise, read_neutralised
from etl.whole_files import write_whole

UNDECIDED = "undecided"
AS_DECIDED = "left out as decided / 按决定不读取"
NO_RECORDS = "no records"
ROW_NUMBER = "row number"
ONE_RECORD, LAST_ROW = "one record over several rows", "last row counts"


def describe_site(
    names: Mapping[str, str], sources: Sequence[FoundSource], *, is_synthetic: bool = False
) -> dict[str, Any]:
    """Return site.toml as a dict; `names` holds hospital, name_en and name_zh. Of real patients a person must say what permits their use."""
    return {
        **names,
        **({PERMISSION: {"kind": Kind.SYNTHETIC.value}} if is_synthetic else {}),
        "source": [source.describe() for source in sources if not source.reason],
        "ignored": [_describe_ignored(source.file, source.sheet, source.reason) for source in sources if source.reason],
    }


def _describe_ignored(file: str, sheet: str | None, reason: str) -> dict[str, Any]:
    return {"file": file, **({"sheet": sheet} if sheet else {}), "reason": reason}


def settle_sources(site: dict[str, Any], decisions: Sequence[Decision]) -> dict[str, Any]:
    """Return site.toml as a person decided about its sheets.

    Some hold no records; of some the row number is the patient, several rows are one record, or not all rows are read.
    """
    decided = {d.source: d.decided for d in decisions if d.kind == SHEET}
    rows = {d.source: d.decided_record for d in decisions if d.kind == SHEET}
    gone = [source for source in site["source"] if decided.get(source["name"]) == NO_RECORDS]
    told_of = {
        ROW_NUMBER: {"patient": ROW_NUMBER},
        ONE_RECORD: {"patient_rows": JOINED},
        LAST_ROW: {"patient_rows": LAST},
    }
    told = "no records, as decided / 经确认无记录"
    return {
        **site,
        "source": [
            settle_rows({**source, **told_of.get(decided.get(source["name"], ""), {})}, rows.get(source["name"], ""))
            for source in site["source"]
            if source not in gone
        ],
        "ignored": [*site.get("ignored", []), *(_describe_ignored(s["file"], s.get("sheet"), told) for s in gone)],
    }


def settle_rows(source: Mapping[str, Any], decided: str) -> dict[str, Any]:
    """Return a source of site.toml with the rows that a person chose (`RowChoice.print` of the worksheet); what was written there by hand stays."""
    said = json.loads(decided or "{}")
    by_hand = {name: rule for name, rule in source.get("ignore", {}).items() if not name.startswith(AS_DECIDED)}
    rules = by_hand | {
        f"{AS_DECIDED}{f' ({n})' if n > 1 else ''}": _describe_rule(column, texts)
        for n, (column, texts) in enumerate(said.get("left_out", {}).items(), 1)
    }
    settled = {**source, **({"filter": said["only"]} if "only" in said else {}), "ignore": rules}
    return {key: value for key, value in settled.items() if value or key not in ("filter", "ignore")}


def _describe_rule(column: str, texts: list[str]) -> dict[str, Any]:
    starts, equals = [t.rstrip("*") for t in texts if t.endswith("*")], [t for t in texts if not t.endswith("*")]
    return {
        "column": column,
        **({"equals": equals} if equals else {}),
        **({"starts_with": starts} if starts else {}),
    }


def write_site(folder: Path, site: Mapping[str, Any], decisions: Sequence[Decision]) -> None:
    """Write site.toml, columns.csv and codes.csv. What is undecided gets a role that no ingest accepts."""
    sources = {source["name"] for source in site["source"]}
    columns = [list_cells(d) for d in decisions if _makes_line(d) and d.source in sources]
    codes = [
        [*d.source.split("."), d.item, d.decided] for d in decisions if d.kind == CODE and d.decided not in NO_LINE
    ]
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "site.toml", print_toml(site))
    replace_file(folder / "columns.csv", print_csv(COLUMNS_HEADER, columns))
    replace_file(folder / "codes.csv", print_csv(CODES_HEADER, codes))


def add_to_site(folder: Path, new: Path, decisions: Sequence[Decision]) -> None:
    """Write the mapping in `folder` with what was decided about a difference into `new`; other lines stay as they are."""
    gone = {
        (source, d.item)
        for d in decisions
        if d.kind == COLUMN and d.decided == NOT_SENT
        for source in (d.source, EVERY_SOURCE)
    }
    empty = {d.source for d in decisions if d.kind == SHEET and d.decided == NO_RECORDS}
    columns = [row for row in _read_rows(folder / "columns.csv") if (row[0], normalise_text(row[1])) not in gone]
    columns += [list_cells(d) for d in decisions if _makes_line(d) and d.decided != NOT_SENT and d.source not in empty]
    codes = _read_rows(folder / "codes.csv")
    codes += [
        [*d.source.split("."), d.item, d.decided] for d in decisions if d.kind == CODE and d.decided not in NO_LINE
    ]
    new.mkdir(parents=True)
    replace_file(new / "columns.csv", print_csv(COLUMNS_HEADER, columns))
    replace_file(new / "codes.csv", print_csv(CODES_HEADER, codes))
    sheets = [d for d in decisions if d.kind == SHEET]
    if sheets:
        replace_file(new / "site.toml", print_toml(_change_sheets(read_toml(folder), sheets)))
    else:
        shutil.copy2(folder / "site.toml", new / "site.toml")


def read_toml(folder: Path) -> dict[str, Any]:
    """Return a mapping's site.toml as it stands."""
    return tomllib.loads((folder / "site.toml").read_text(encoding="utf-8-sig"))


def _change_sheets(site: dict[str, Any], sheets: Sequence[Decision]) -> dict[str, Any]:
    """Return site.toml with the sheets that are new, and with the header where it stands now."""
    rows = {d.source: _describe_header(d.decided) for d in sheets if d.decided.startswith(HEADER_ROW)}
    places = {(s["file"], s.get("sheet")): rows[s["name"]] for s in site["source"] if s["name"] in rows}
    kept = [_move_header(s, places.get((s["file"], s.get("sheet")))) for s in site["source"]]
    new = [(d, json.loads(d.record)) for d in sheets if d.source not in rows]
    added = [source for d, source in new if d.proposed == RECORDS]
    pages = [_describe_ignored(page["file"], page.get("sheet"), d.proposed) for d, page in new if d.proposed != RECORDS]
    merged = {**site, "source": [*kept, *added], "ignored": [*site.get("ignored", []), *pages]}
    return settle_sources(merged, sheets)


def _describe_header(decided: str) -> dict[str, int]:
    first, _, last = decided.removeprefix(HEADER_ROW).partition("-")
    return {"header_row": int(last), "header_from": int(first)} if last else {"header_row": int(first)}


def _move_header(source: dict[str, Any], header: dict[str, int] | None) -> dict[str, Any]:
    """Return a source with its header where it stands now; None where it did not move."""
    kept = {key: value for key, value in source.items() if header is None or key != "header_from"}
    return {**kept, **(header or {})}


def _read_rows(path: Path) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))[1:]
    return [[read_neutralised(cell) for cell in row] for row in rows]


def _makes_line(d: Decision) -> bool:
    """Whether a decision is a line of columns.csv: constants that nobody needs are none."""
    return d.kind == COLUMN and not (d.is_constant and d.decided == NOT_NEEDED)


def list_cells(d: Decision) -> list[str]:
    """Return a decision about a column as a line of columns.csv."""
    column = "" if d.is_constant else d.item
    note = d.note or d.reason.split(" / ")[0]
    found = list_meanings().get(d.decided)
    if d.is_constant and d.decided:
        return [d.source, column, "field", d.decided.split(".")[0], "", d.decided_record, "", note]
    if found is None:
        return [d.source, column, UNDECIDED, "", "", "", "", note]
    if found.id == VISIT_OF_ROW:
        return [d.source, column, "field", EVERY_TABLE, VISIT, SHARED, "", note]
    if not found.field:
        return [d.source, column, found.role, "", "", "", "", note]
    return [d.source, column, "field", found.table, found.field, d.decided_record, d.decided_unit, d.note]


def print_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a csv file's text; a hospital's column or code that begins like a formula is neutralised, and read back as it was."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return text.getvalue()


def replace_file(path: Path, text: str) -> None:
    """Write a file so that it is the old one or the new one, never half of it."""
    write_whole(path, text.encode())


def print_toml(site: Mapping[str, Any]) -> str:
    """Return site.toml's text."""
    plain = {key: value for key, value in site.items() if not isinstance(value, list | dict)}
    parts = [_print_keys(plain)]
    parts += [f"[{key}]\n" + _print_keys(value) for key, value in site.items() if isinstance(value, dict)]
    parts += [_print_source(source) for source in site["source"]]
    parts += ["[[ignored]]\n" + _print_keys(item) for item in site.get("ignored", [])]
    return "\n".join(parts)


def _print_source(source: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in source.items() if not isinstance(value, dict)}
    text = "[[source]]\n" + _print_keys(plain)
    if source.get("filter"):
        text += "[source.filter]\n" + _print_keys({_quote(k): v for k, v in source["filter"].items()})
    if source.get("ignore"):
        rules = {
            name: ", ".join(f"{k} = {_print_value(v)}" for k, v in rule.items())
            for name, rule in source["ignore"].items()
        }
        text += "[source.ignore]\n" + "".join(f"{_quote(name)} = {{ {rule} }}\n" for name, rule in rules.items())
    return text


def _print_keys(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_print_value(value)}\n" for key, value in values.items())


def _print_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_print_value, value))}]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return _quote(value) if isinstance(value, str) else json.dumps(value)


def _quote(text: str) -> str:
    """Return a TOML string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)
