"""The public data sets as unknown deliveries: the worksheet finished as their mappings were by hand, and what an ingest makes of it."""

from pathlib import Path

import pytest
from proposal_counts import count_codes, count_columns
from public_site import EXTRACTED, SHARED, Loaded, check_accounts, load_public
from worksheet_desk import (
    CODE_DECISION,
    COLUMN_DECISION,
    COLUMN_RECORD,
    COLUMN_UNIT,
    KIND,
    Cells,
    list_rows,
    name_line,
    read_cells,
    write_cells,
)

from etl.delivery.read import read_delivery
from etl.errors import OpenDecisionsError
from etl.ingest import ingest
from etl.mapping.read_site import load_site
from etl.mapping.site import ColumnMap, Site, normalise_code
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.proposing.draft import draft_mapping
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import AUTHOR_ROWS, CHANGES, CODES, COLUMNS, DECIDED_BY, README, SHEETS
from etl.settings import PACKAGE_SITES, Settings

DATA = {"tace_seg": "hcc_tace_seg", "clca": "clca_2024", "coimbra": "hcc_coimbra"}
AUTHOR = {(README, f"B{AUTHOR_ROWS[DECIDED_BY] + 1}"): "QD", KIND: "public data"}


def list_lines(site: Site, source: str, column: str) -> list[ColumnMap]:
    """The real mapping's lines of a column; a file without a header calls its columns by their place."""
    if column.startswith("column "):
        column = site.sources[0].header[int(column.removeprefix("column ")) - 1]
    return [c for c in site.columns if c.column == column]


def fill_columns(path: Path, site: Site) -> None:
    """Decide every open column; copy the row of a column that gives several fields; add the constants."""
    cells, changes = read_cells(path), dict(AUTHOR)
    rows = list_rows(cells, COLUMNS)
    last = rows[-1][0]
    sources = {row["B"] for _, row in rows}
    for number, row in rows:
        lines = list_lines(site, row["B"], row["C"])
        for place, line in enumerate(lines):
            if COLUMN_DECISION in row and len(lines) == 1 and COLUMN_UNIT in row:
                continue
            last, target = (last + 1, last + 1) if place else (last, number)
            changes |= write_line(target, row["B"], row["C"], name_line(line), line.record, line.unit)
        if row["C"].startswith("all rows: "):
            changes |= write_line(number, row["B"], row["C"], "as proposed", row[COLUMN_RECORD], "")
    proposed = {row["C"] for _, row in rows}
    for line in (c for c in site.columns if not c.column and f"all rows: {c.table}" not in proposed):
        last += 1
        source = next(s for s in sources if s == line.source or len(sources) == 1 or s == "baseline")
        changes |= write_line(last, source, f"all rows: {line.table}", "", line.record, "")
    for number, row in list_rows(cells, SHEETS):
        if site.sources[0].has_row_patients and row.get("A"):
            changes[SHEETS, f"G{number}"] = "row number"
    write_cells(path, changes)


def write_line(number: int, source: str, column: str, decision: str, record: str, unit: str) -> Cells:
    texts = {"B": source, "C": column, COLUMN_DECISION: decision, COLUMN_RECORD: record, COLUMN_UNIT: unit}
    return {(COLUMNS, f"{letter}{number}"): text for letter, text in texts.items()}


def fill_codes(path: Path, site: Site) -> None:
    """Decide every open code; what the real mapping does not list is asked about."""
    changes = dict(AUTHOR)
    for number, row in list_rows(read_cells(path), CODES):
        if CODE_DECISION not in row:
            table, field = row["B"].split(" | ")[0].split(".")
            changes[CODES, f"{CODE_DECISION}{number}"] = site.codes.get((table, field), {}).get(
                normalise_code(row["C"]), "ask"
            )
    write_cells(path, changes)


def finish(settings: Settings, hospital: str, delivery: Path) -> int:
    """Make the mapping of an unknown delivery by its worksheets; returns how many worksheets it took."""
    site = load_site(PACKAGE_SITES / hospital)
    path = propose_hospital(settings, "unknown", delivery).worksheet
    fill_columns(path, site)
    fill_codes(path, site)
    try:
        take_worksheet(path.parent)
    except OpenDecisionsError:
        fill_codes(path.with_name(CHANGES), site)
        take_worksheet(path.parent)
        return 2
    return 1


def find_delivery(hospital: str) -> Path:
    path = SHARED / "data" / DATA[hospital]
    if not path.exists():
        pytest.skip(f"{DATA[hospital]} is not here")
    return path


@pytest.mark.parametrize("hospital", DATA)
def test_no_proposal_contradicts_the_mapping_by_hand(hospital):
    site, draft = load_site(PACKAGE_SITES / hospital), draft_mapping(read_delivery(find_delivery(hospital)), hospital)
    columns, codes = count_columns(site, draft), count_codes(site, draft)
    print(f"\n{hospital}: columns {dict(columns)}, codes {dict(codes)}")
    assert (columns["wrong"], codes["wrong"], columns["identifier missed"]) == (0, 0, 0)


@pytest.mark.parametrize("hospital", DATA)
def test_a_finished_worksheet_gives_what_the_mapping_by_hand_gives(hospital, tmp_path):
    delivery = find_delivery(hospital)
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    assert finish(settings, hospital, delivery) <= 2
    summary = ingest(
        settings, "unknown", extract=delivery, check=False, accept=False, progress=lambda *_: None, extracted=EXTRACTED
    )
    check_accounts(summary)
    by_hand = load_public(hospital, delivery, tmp_path / "by_hand")
    wanted, got = by_hand.summary.accounts, summary.accounts
    assert {k: got[k] for k in ("rows_read", "rows_used", "records_loaded", "patients")} == {
        k: wanted[k] for k in ("rows_read", "rows_used", "records_loaded", "patients")
    }
    ours = Loaded(settings, summary)
    for table in ("core.patient", "core.baseline", "core.laboratory", "core.response", "core.outcome"):
        name = table.split(".")[1]
        left, right = (w.read(table)[name] for w in (ours, by_hand))
        values = [
            c for c in left.columns if c not in ("hospital", "patient_id", "delivery", "source_column", "person_id")
        ]
        assert left.select(values).sort(values).equals(right.select(values).sort(values)), table
