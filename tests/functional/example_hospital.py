"""A hospital that sends every field of every table, one file a table: the example patient under several numbers. SYNTHETIC EXAMPLE DATA."""

import csv
from collections.abc import Mapping
from pathlib import Path

import clinic

from schemas.contract import read_contract
from schemas.example_patient import edit_patient
from schemas.tables import TABLES

REMARK = "remark"
"""A column of each file that the mapping ignores."""


def list_fields(table: str) -> list[str]:
    """The fields that a hospital can send; the others are made while reading."""
    return [name for name, spec in read_contract(TABLES[table]).items() if not spec.is_made]


def write_site(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sources = [f'[[source]]\nname = "{table}"\nfile = "{table}*.csv"\nheader_row = 1\n' for table in TABLES]
    head = 'hospital = "everything"\nname_en = "Everything hospital"\nname_zh = "全字段医院"\n\n'
    (folder / "site.toml").write_text(clinic.permit(head + "\n".join(sources)), encoding="utf-8")
    lines = [
        ["*", "number", "patient", "", "", "", "", ""],
        ["*", REMARK, "ignore", "", "", "", "", "not a field"],
        ["patient", "name", "drop", "", "", "", "", ""],
        ["patient", "id card", "person", "", "", "", "", ""],
    ]
    lines += [[table, name, "field", table, name, "", "", ""] for table in TABLES for name in list_fields(table)]
    with (folder / "columns.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["source", "column", "role", "table", "field", "record", "unit", "note"], *lines])
    (folder / "codes.csv").write_text("table,field,code,value\n", encoding="utf-8")


def make_rows(edits: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """The rows of each file: the example patient, changed as told, under each number of `edits`."""
    rows: dict[str, list[dict[str, str]]] = {table: [] for table in TABLES}
    for number, edit in edits.items():
        for table, records in edit_patient(edit).items():
            sent = [{name: record.get(name) or "" for name in list_fields(table)} for record in records]
            rows[table] += [{"number": number, **record} for record in sent]
    return rows


def write_rows(folder: Path, rows: Mapping[str, list[dict[str, str]]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        columns = ["number", *(("name", "id card") if table == "patient" else ()), *list_fields(table), REMARK]
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.DictWriter(file, columns, restval="")
            lines.writeheader()
            lines.writerows(rows[table])
    return folder


def write_delivery(folder: Path, edits: Mapping[str, str]) -> Path:
    return write_rows(folder, make_rows(edits))
