"""A delivery that changed: the worksheet of just the difference, and the mapping that follows from it."""

import clinic
import pytest
from worksheet_desk import (
    CODE_DECISION,
    COLUMN_DECISION,
    COLUMN_UNIT,
    find_row,
    list_rows,
    read_cells,
    write_cells,
)

from etl.errors import DeliveryError, StructureError, UsageError, WorksheetError
from etl.mapping.read_site import load_site
from etl.onboarding.decisions import CODE, COLUMN, SHEET, read_decisions
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import AUTHOR_ROWS, CODES, COLUMNS, DECIDED_BY, README, SHEETS

AUTHOR = (README, f"B{AUTHOR_ROWS[DECIDED_BY] + 1}")
CHANGED = """# sent on Friday
number,name,id card,sex,born,portal vein,tumour size (mm),lung,bone,remark,ECOG
001,张三丰,,男,1960年3月5日,门静脉主干,82,yes,no,,0
002,李小四,,女性,1955/12/31,无,45,no,no,first visit,1
003,王老五,,M-2,1949-01-02,左支,120,yes,yes,,0
total 3,,,,,,,,,,
"""
OUTCOME = "number,vital status,last follow up\n001,dead,2021-03-01\n002,alive,2021-04-01\n003,alive,2021-05-01\n"


@pytest.fixture
def changed(desk):
    folder = clinic.write_delivery(desk.extracts / "2", patients=CHANGED)
    (folder / "随访.csv").write_text(OUTCOME)
    return folder


@pytest.fixture
def proposed(desk, changed):
    return propose_hospital(desk.settings, "clinic", changed)


def test_a_delivery_that_fits_needs_no_worksheet(desk):
    folder = clinic.write_delivery(desk.extracts / "1")
    with pytest.raises(UsageError, match="there is nothing to decide"):
        propose_hospital(desk.settings, "clinic", folder)


def test_an_ingest_points_to_the_worksheet(desk, changed):
    with pytest.raises(DeliveryError, match=rf"registry new-hospital clinic --extract {changed}"):
        desk.ingest(changed)
    (changed / "patients.csv").write_text(CHANGED.replace("# sent on Friday\n", ""))
    with pytest.raises(StructureError, match=rf"registry new-hospital clinic --extract {changed}"):
        desk.ingest(changed)


def test_only_the_difference_is_asked(proposed):
    columns = {d.item: d.proposed for d in proposed.decisions if d.kind == COLUMN and d.source == "patients"}
    assert columns == {
        "tumour size (mm)": "baseline.tumour_size_cm",
        "ECOG": "baseline.ecog_status",
        "size": "not_sent",
    }
    assert {(d.item, d.decided) for d in proposed.decisions if d.kind == CODE} == {("女性", "female"), ("M-2", "")}
    sheets = {d.source: d.proposed for d in proposed.decisions if d.kind == SHEET}
    assert sheets == {"patients": "header row 2", "outcome": "records"}
    cells = read_cells(proposed.worksheet)
    assert len(list_rows(cells, COLUMNS)) == 6
    assert len(list_rows(cells, SHEETS)) == 2


def fill(path, **changes):
    cells = read_cells(path)
    columns = {name: find_row(cells, COLUMNS, "patients", name) for name in ("size", "tumour size (mm)", "ECOG")}
    code = find_row(cells, CODES, "patient.sex", "M-2")
    sheet = next(n for n, row in list_rows(cells, SHEETS) if row.get("A") == "patients")
    write_cells(path, {
        AUTHOR: "QD",
        (COLUMNS, f"{COLUMN_DECISION}{columns['size']}"): "not sent any more",
        (COLUMNS, f"{COLUMN_DECISION}{columns['tumour size (mm)']}"): changes.get("size", "as proposed"),
        (COLUMNS, f"{COLUMN_UNIT}{columns['tumour size (mm)']}"): changes.get("unit", "mm"),
        (CODES, f"{CODE_DECISION}{code}"): "ask",
        (SHEETS, f"G{sheet}"): "同意建议 as proposed",
    })  # fmt: skip
    return columns


def test_the_mapping_follows_the_worksheet_and_the_delivery_loads(desk, changed, proposed):
    folder = proposed.worksheet.parent
    before = (folder / "columns.csv").read_text()
    fill(proposed.worksheet)
    take_worksheet(folder)
    site = load_site(folder)
    assert {(s.name, s.header_row) for s in site.sources} == {("patients", 2), ("labs", 1), ("outcome", 1)}
    lines = before.splitlines()
    kept = [line for line in lines if not line.startswith("patients,size,")]
    assert (folder / "columns.csv").read_text().splitlines()[: len(kept)] == kept
    summary = desk.ingest(changed)
    assert summary.status == "loaded"
    assert sorted(desk.read("core.baseline")["tumour_size_cm"].round(6)) == [4.5, 8.2, 12.0]
    assert sorted(desk.read("core.baseline")["ecog_status"]) == [0, 0, 1]
    assert sorted(desk.read("core.outcome")["vital_status"]) == ["alive", "alive", "dead"]
    asked = desk.read("versions.findings").filter(rule_id="patient.sex.code")
    assert asked.height == 1


def test_what_was_decided_is_kept_and_not_asked_again(desk, changed, proposed):
    folder = proposed.worksheet.parent
    fill(proposed.worksheet)
    assert take_worksheet(folder) is not None
    assert not proposed.worksheet.exists()
    assert [path.name for path in folder.glob("changes_*.xlsx")]
    by = {(d.kind, d.item): d.decided_by for d in read_decisions(folder)}
    assert by[CODE, "M-2"] == "QD"
    assert by[COLUMN, "size"] == "QD"
    assert by[CODE, "女性"] == "registry"
    assert take_worksheet(folder) is None
    with pytest.raises(UsageError, match="there is nothing to decide"):
        propose_hospital(desk.settings, "clinic", changed)


def test_a_field_that_the_mapping_gives_already_is_named_at_its_cell(proposed):
    columns = fill(proposed.worksheet, size="baseline.pvtt_text", unit="")
    with pytest.raises(WorksheetError) as caught:
        take_worksheet(proposed.worksheet.parent)
    cell = f"列 Columns!{COLUMN_DECISION}{columns['tumour size (mm)']}"
    assert f"{cell}: column 'portal vein' is already baseline.pvtt_text" in caught.value.en


def test_a_second_worksheet_waits_for_the_first(desk, changed, proposed):
    with pytest.raises(UsageError, match=r"waits to be filled in: '.*changes\.xlsx'"):
        propose_hospital(desk.settings, "clinic", changed)
