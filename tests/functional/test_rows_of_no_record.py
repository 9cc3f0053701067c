"""Cases from outside: a header among patients' rows, notes below the table, a row with a cell too many; each as a new hospital sends it."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest
from onboarded import load, onboard
from worksheet_desk import list_rows, read_cells

from etl.mapping.row_kinds import NOTE
from etl.onboarding.worksheet.form import COLUMNS
from etl.settings import Settings
from etl.store.warehouse import read_frames

CASES = Path(__file__).parents[3] / "shared" / "cases" / "files"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="no ../shared/cases beside the project")


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "workspace", tmp_path / "key", "both")


def read(settings, relation: str) -> pl.DataFrame:
    return read_frames(settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]


def test_a_patient_s_row_with_a_known_word_is_no_header(settings):
    path = CASES / "header_is_a_patient_row.csv"
    onboard(settings, path, {"bcr_barcode": "patient_number", "agent_name": "patient.sex"})
    worksheet = settings.workspace / "sites" / "x" / "worksheet.xlsx"
    cells = read_cells(worksheet)
    named = {row["C"] for _, row in list_rows(cells, COLUMNS)} - {"all rows: patient"}
    assert named == {"bcr_barcode", "agent_name", "tx_route", "tx_context", "reply"}
    assert not any("TCGA-AA" in text for text in cells.values())
    summary = load(settings, path)
    assert summary.accounts["rows_used"] == 12


def test_notes_below_the_table_are_told_and_their_text_is_nowhere(settings):
    path = CASES / "foot.xlsx"
    onboard(settings, path)
    summary = load(settings, path)
    assert summary.accounts["patients"] == 12
    told = dict(summary.row_accounts.select("rule", "n_rows").rows())
    assert told == {"used": 12, "header": 1, "blank row": 1, NOTE: 2}
    stored = settings.warehouse_path.read_bytes() + b"".join(
        f.read_bytes() for f in (settings.workspace / "sites").rglob("*") if f.suffix in (".csv", ".toml")
    )
    for text in ("张三", "制表人", "AFP单位为"):
        assert text.encode() not in stored
    for relation in ("landing.source_row", "versions.findings", "versions.quarantine"):
        assert not any(
            "张三" in str(cell) or "制表" in str(cell) for row in read(settings, relation).rows() for cell in row
        )


def test_a_row_with_a_cell_too_many_is_told_and_nothing_behind_the_comma_is_loaded(settings):
    path = CASES / "longrow.csv"
    onboard(settings, path)
    summary = load(settings, path)
    assert summary.accounts["patients"] == 12
    findings = read(settings, "versions.findings").filter(pl.col("rule_id") == "row.shifted")
    assert findings.select("source_row", "value").rows() == [(3, "")]
    loaded = read(settings, "core.laboratory").filter(pl.col("source_row") == 3)
    assert not {"afp_ng_ml"} & set(loaded["test"])
    assert read(settings, "core.patient").filter(pl.col("source_row") == 3)["sex"].to_list() == ["male"]
    assert read(settings, "core.laboratory").filter(pl.col("test") == "afp_ng_ml").height == 11
    for table in ("outcome", "baseline"):
        kept = read(settings, f"core.{table}").filter(pl.col("source_row") == 3)
        late = [name for name in ("last_contact_date", "death_date", "vital_status") if name in kept.columns]
        assert all(kept[name].null_count() == kept.height for name in late)
    assert dataclasses.asdict(summary)["accounts"]["cells_quarantined"] > 0
