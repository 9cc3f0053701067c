"""What a mapping can say, a person says in the worksheet: words and numbers for nothing, units of a long laboratory, which rows are read."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from worksheet_desk import CODE_DECISION, COLUMN_UNIT, fill, list_rows, read_cells, write_cells

from etl.delivery.read import read_delivery
from etl.errors import OpenDecisionsError, StructureError, UsageError, WorksheetError
from etl.ingest import ingest
from etl.mapping.units import name_own_units
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import CODES, COLUMNS, SHEETS
from etl.settings import Settings
from etl.store.warehouse import read_frames

ONLY, LEFT_OUT, HEADER = "I", "J", "G"
VISIT = {"all rows: laboratory": ("laboratory.*", "visit_number=0", "")}


class Hospital:
    """A hospital that nobody has mapped, and what is written into its worksheet."""

    def __init__(self, folder: Path):
        self.settings = Settings(folder / "workspace", folder / "key", "both")
        self.file = folder / "肝癌_2022-11-20.csv"
        self.folder = self.settings.workspace / "sites" / "new"

    def propose(self, lines):
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.worksheet = propose_hospital(self.settings, "new", self.file).worksheet
        return read_cells(self.worksheet)

    def codes(self):
        """{(field, code): what stands in the cell of the decision, "" where it is to be filled in}."""
        rows = list_rows(read_cells(self.worksheet), CODES)
        return {(row["B"].split(" | ")[0], row["C"]): row.get(CODE_DECISION, "") for _, row in rows}

    def fill(self, codes=None, columns=None, sheets=None):
        told = {**VISIT, **(columns or {})}
        fill(self.worksheet, lambda _, c: told.get(c, ("not_needed", "", "")), lambda _, code: (codes or {})[code])
        if sheets:
            write_cells(self.worksheet, {(SHEETS, cell): text for cell, text in sheets.items()})

    def load(self):
        take_worksheet(self.folder)
        return ingest(self.settings, "new", extract=self.file, check=False, accept=False, progress=lambda *_: None)

    def read(self, table):
        return read_frames(self.settings.warehouse_path, [f"core.{table}"])[table]

    def rules(self):
        return read_frames(self.settings.warehouse_path, ["versions.findings"])["findings"]["rule_id"].to_list()


@pytest.fixture
def hospital(tmp_path):
    return Hospital(tmp_path)


PATIENTS = [
    "住院号,性别,出生日期,肿瘤数目,癌栓描述,AFP(ng/mL),ALT(U/L)",
    *(
        f"ZY{n:04d},{'男' if n % 3 else '女'},19{40 + n}-03-05,{1 + n % 5},门静脉{'左' if n % 2 else '右'}支癌栓,{11.5 * n:.1f},{95 + n}"
        for n in range(1, 31)
    ),
]


def with_cells(**cells):
    """The lines with other texts: `pvtt_4="空"` in the fourth patient's row."""
    places = {"birth": 2, "number": 3, "pvtt": 4, "afp": 5, "alt": 6}
    lines = list(PATIENTS)
    for where, text in cells.items():
        name, row = where.rsplit("_", 1)
        parts = lines[int(row)].split(",")
        parts[places[name]] = text
        lines[int(row)] = ",".join(parts)
    return lines


def test_words_and_numbers_that_may_mean_nothing_are_asked_once_and_what_is_said_counts(hospital):
    hospital.propose(
        with_cells(
            pvtt_2="空",
            pvtt_3="空",
            pvtt_4="无",
            afp_5="999",
            afp_6="待查",
            number_7="99",
            number_8="-9",
            birth_9="9999",
            alt_10="ND",
        )
    )
    asked = hospital.codes()
    assert asked == {
        ("patient.sex", "男"): "male", ("patient.sex", "女"): "female",
        ("baseline.pvtt_text", "空"): "missing", ("baseline.pvtt_text", "无"): "",
        ("laboratory.value", "99"): "value", ("laboratory.value", "999"): "", ("laboratory.value", "待查"): "missing", ("laboratory.value", "ND"): "",
        ("baseline.tumour_number", "99"): "", ("baseline.tumour_number", "-9"): "missing", ("patient.birth_date", "9999"): "missing",
    }  # fmt: skip
    hospital.fill({"无": "value", "999": "missing", "ND": "missing", "99": "missing"})
    summary = hospital.load()
    assert summary.accounts["patients"] == 30
    baseline = hospital.read("baseline").sort("source_row")
    assert baseline["pvtt_text"][:4].to_list() == ["门静脉左支癌栓", None, None, "无"]
    assert baseline["tumour_number"][6:8].to_list() == [None, None]
    labs = hospital.read("laboratory").filter(pl.col("value") > 900)
    assert labs.height == 0
    assert not [rule for rule in hospital.rules() if rule.endswith((".unreadable", ".range"))]


def test_a_number_amid_its_like_is_no_question_unless_it_stands_there_far_more_often(hospital):
    # ALT runs from 96 to 125: 99 is one of them. It stands in the worksheet as what it is taken for.
    hospital.propose(PATIENTS)
    assert hospital.codes()["laboratory.value", "99"] == "value"


def test_a_number_that_is_a_value_in_one_column_and_seems_none_in_another_is_asked_about(hospital):
    hospital.propose(with_cells(**{f"afp_{n}": f"{5000 + n}" for n in range(1, 30)}, afp_30="99"))
    assert hospital.codes()["laboratory.value", "99"] == ""
    reasons = [row["G"] for _, row in list_rows(read_cells(hospital.worksheet), CODES) if row["C"] == "99"]
    assert len(reasons) == 1
    assert all(name in reasons[0] for name in ("AFP(ng/mL)", "ALT(U/L)"))


def test_a_number_far_more_often_than_its_like_is_asked_about(hospital):
    hospital.propose(with_cells(**{f"alt_{n}": "99" for n in range(5, 15)}))
    assert hospital.codes()["laboratory.value", "99"] == ""


def test_what_was_said_to_be_a_value_is_asked_no_more(hospital):
    lines = with_cells(afp_5="999")
    hospital.propose(lines)
    hospital.fill({"999": "value"})
    hospital.load()
    assert 999.0 in hospital.read("laboratory")["value"].to_list()
    assert "999" not in (hospital.folder / "codes.csv").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="there is nothing to decide"):
        propose_hospital(hospital.settings, "new", hospital.file)


@pytest.mark.parametrize(("said", "n_read"), [("stored year", 30), ("whole days", 0)])
@pytest.mark.parametrize("shown", ['m"月"d"日"', "d-mmm", 58])
def test_days_whose_year_no_cell_shows_are_asked_about_once(hospital, said, n_read, shown):
    hospital.file = hospital.file.with_suffix(".xlsx")
    with xlsxwriter.Workbook(hospital.file) as book:
        page, style = book.add_worksheet("患者"), book.add_format({"num_format": shown})
        for r, line in enumerate(PATIENTS):
            for c, text in enumerate(line.split(",")):
                if c == 2 and r:
                    page.write_datetime(r, c, dt.datetime.fromisoformat(text), style)
                else:
                    page.write_string(r, c, text)
    hospital.worksheet = propose_hospital(hospital.settings, "new", hospital.file).worksheet
    cells = read_cells(hospital.worksheet)
    row = next(n for n, texts in list_rows(cells, COLUMNS) if texts["C"] == "出生日期")
    assert (COLUMNS, f"{COLUMN_UNIT}{row}") not in cells
    assert "03-05" not in " ".join(cells.values())
    hospital.fill(columns={"出生日期": ("as proposed", "", said)})
    hospital.load()
    births = hospital.read("patient").sort("source_row")["birth_date"].drop_nulls().to_list()
    assert births == [dt.date(1940 + n, 3, 5) for n in range(1, 31)][:n_read]
    assert hospital.rules().count("patient.birth_date.unreadable") == 30 - n_read


LONG = [
    "住院号,采样日期,项目,结果",
    *(
        f"ZY{n:04d},2022-03-0{1 + n % 8},{item},{value}"
        for n in range(1, 13)
        for item, value in (("ALT", 40 + n), ("白蛋白", 3 + n / 10), ("AFP", 20 * n), ("总胆红素", 10 + n))
    ),
]


def test_the_items_of_a_long_laboratory_are_in_the_registry_s_units_but_for_those_that_are_named(hospital):
    hospital.file = hospital.file.with_suffix("")
    hospital.file.mkdir()
    for name, lines in (("患者", [line.rsplit(",", 2)[0] for line in PATIENTS]), ("检验", LONG)):
        (hospital.file / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    hospital.worksheet = propose_hospital(hospital.settings, "new", hospital.file).worksheet
    cells = read_cells(hospital.worksheet)
    row = next(n for n, texts in list_rows(cells, COLUMNS) if texts["C"] == "结果")
    assert "[registry units]" in cells[COLUMNS, f"F{row}"]
    assert (COLUMNS, f"{COLUMN_UNIT}{row}") not in cells
    hospital.fill()
    last = 1 + max(n for n, _ in list_rows(cells, COLUMNS))
    visit = zip(
        "BCIJ", (cells[COLUMNS, f"B{row}"], "all rows: laboratory", *VISIT["all rows: laboratory"][:2]), strict=True
    )
    write_cells(hospital.worksheet, {(COLUMNS, f"{letter}{last}"): text for letter, text in visit})
    write_cells(hospital.worksheet, {(COLUMNS, f"{COLUMN_UNIT}{row}"): "registry units; 白蛋白=mmHg; 血糖=g"})
    with pytest.raises(WorksheetError) as caught:
        hospital.load()
    assert f"K{row}: 'mmHg' is no unit of albumin_g_l; the registry's is g/L" in caught.value.en
    assert f"K{row}: no laboratory test is called '血糖'" in caught.value.en
    write_cells(hospital.worksheet, {(COLUMNS, f"{COLUMN_UNIT}{row}"): "登记库单位; 白蛋白=g/dL"})
    hospital.load()
    assert "registry units; albumin_g_l=g/dL" in (hospital.folder / "columns.csv").read_text(encoding="utf-8")
    labs = hospital.read("laboratory").filter(source_file="检验.csv", source_row=4)
    assert labs.select("test", "value").rows() == [("afp_ng_ml", 20.0)]
    albumin = hospital.read("laboratory").filter(test="albumin_g_l").sort("source_row")["value"]
    assert [round(value, 6) for value in albumin[:3]] == [31.0, 32.0, 33.0]


def test_units_by_test():
    units = pl.Series("u", ["registry units; albumin_g_l=g/dL", "registry units; albumin_g_l=g/dL", "g/L", None])
    tests = pl.Series("t", ["albumin_g_l", "alt_u_l", "albumin_g_l", "albumin_g_l"])
    assert name_own_units(units, tests).to_list() == ["g/dL", None, "g/L", None]


def write_visits():
    lines = [f"{line},{kind}" for line, kind in zip(PATIENTS[1:], ["住院", "门诊", "急诊"] * 10, strict=True)]
    return [PATIENTS[0] + ",就诊类型", *lines, *(line.replace("ZY00", "TEST") for line in lines[:3])]


def find_sheet(cells):
    return next(number for number, _ in list_rows(cells, SHEETS))


def test_rows_that_are_left_out_are_named_and_told(hospital):
    number = find_sheet(hospital.propose(write_visits()))
    hospital.fill(sheets={f"{LEFT_OUT}{number}": "就诊类型 = 门诊 | 急诊；住院号 = TEST*"})
    summary = hospital.load()
    assert summary.accounts["patients"] == 10
    told = dict(summary.row_accounts.select("rule", "n_rows").rows())
    assert {rule: n for rule, n in told.items() if "as decided" in rule} == {
        "left out as decided / 按决定不读取": 22, "left out as decided / 按决定不读取 (2)": 1,
    }  # fmt: skip
    # What a person takes out of the cell is read again.
    hospital.fill(sheets={f"{LEFT_OUT}{number}": "住院号 = TEST*"})
    assert hospital.load().accounts["patients"] == 30


def test_rows_that_are_read_are_chosen_and_any_other_stops_the_ingest(hospital):
    number = find_sheet(hospital.propose(write_visits()))
    hospital.fill(sheets={f"{ONLY}{number}": "就诊类型 = 住院｜门诊", f"{LEFT_OUT}{number}": "住院号 = TEST*"})
    with pytest.raises(StructureError, match=r"10 row\(s\) fit no row filter"):
        hospital.load()
    write_cells(hospital.worksheet, {(SHEETS, f"{LEFT_OUT}{number}"): "住院号 = TEST*\n就诊类型 = 急诊"})
    assert hospital.load().accounts["patients"] == 20
    write_cells(
        hospital.worksheet, {(SHEETS, f"{ONLY}{number}"): "全部行", (SHEETS, f"{LEFT_OUT}{number}"): "住院号 = TEST*"}
    )
    assert hospital.load().accounts["patients"] == 30


def test_rows_that_cannot_be_chosen_so_are_named_with_their_cell(hospital):
    number = find_sheet(hospital.propose(write_visits()))
    hospital.fill(sheets={f"{ONLY}{number}": "就诊类型 = 住院*", f"{LEFT_OUT}{number}": "科室 = 门诊; 就诊类型 ="})
    with pytest.raises(WorksheetError) as caught:
        hospital.load()
    for words in (
        f"I{number}: no * can stand here",
        f"J{number}: write a column of this sheet",
        f"J{number}: a text is missing",
    ):
        assert words in caught.value.en


def test_what_was_written_stays_when_the_worksheet_is_made_anew(hospital):
    """The header is named by a person, and new-hospital runs again."""
    lines = write_visits()
    hospital.propose(["某医院肝癌登记,,,,,,,,", *with_group(lines)])
    cells = read_cells(hospital.worksheet)
    number = find_sheet(cells)
    wrong = "1" if cells.get((SHEETS, f"C{number}")) != "1" else "2"
    write_cells(hospital.worksheet, {
        (SHEETS, f"{HEADER}{number}"): wrong, (SHEETS, f"{LEFT_OUT}{number}"): "就诊类型 = 门诊", (SHEETS, f"{ONLY}{number}"): "就诊类型 = 住院",
    })  # fmt: skip
    propose_hospital(hospital.settings, "new", hospital.file)
    cells = read_cells(hospital.worksheet)
    assert (cells[SHEETS, f"{LEFT_OUT}{number}"], cells[SHEETS, f"{ONLY}{number}"]) == (
        "就诊类型 = 门诊",
        "就诊类型 = 住院",
    )


def with_group(lines):
    return [line.replace("ALT(U/L)", "谷丙转氨酶(U/L)") for line in lines]


def test_a_worksheet_of_an_earlier_version_is_taken_without_the_columns_of_rows(hospital):
    hospital.propose(PATIENTS)
    hospital.fill()
    cells = {
        place: text
        for place, text in read_cells(hospital.worksheet).items()
        if not (place[0] == SHEETS and place[1][0] in (ONLY, LEFT_OUT))
    }
    hospital.worksheet.unlink()
    with xlsxwriter.Workbook(hospital.worksheet) as book:
        for name in dict.fromkeys(sheet for sheet, _ in cells):
            page = book.add_worksheet(name)
            for (sheet, cell), text in cells.items():
                if sheet == name:
                    page.write_string(cell, text)
    assert hospital.load().accounts["patients"] == 30


def test_codes_of_columns_that_a_person_names_come_with_their_words_for_nothing(hospital):
    lines = [with_cells(pvtt_3="空")[0].replace("癌栓描述", "影像所见"), *with_cells(pvtt_3="空", pvtt_5="无")[1:]]
    hospital.propose(lines)
    assert ("baseline.pvtt_text", "空") not in hospital.codes()
    hospital.fill(columns={"影像所见": ("baseline.pvtt_text", "", "")})
    with pytest.raises(OpenDecisionsError, match=r"1 code\(s\) have no known meaning"):
        take_worksheet(hospital.folder, lambda _site: read_delivery(hospital.file))
    changes = hospital.folder / "changes.xlsx"
    assert [row["C"] for _, row in list_rows(read_cells(changes), CODES)] == ["无"]
    assert ",空,missing" in (hospital.folder / "codes.csv").read_text(encoding="utf-8")


def add_code(hospital, field, code, decision, path=None):
    """Write a row below those of the codes, as a person does; returns its number."""
    path = path or hospital.worksheet
    number = 1 + max(n for n, _ in list_rows(read_cells(path), CODES))
    write_cells(
        path, {(CODES, f"{letter}{number}"): text for letter, text in zip("BCH", (field, code, decision), strict=True)}
    )
    return number


def test_a_code_that_only_the_hospital_knows_of_is_added_as_a_row(hospital):
    """A 3 amid tumour numbers of 1 to 5 is no question; that it says nothing in this hospital nobody else can know."""
    hospital.propose(PATIENTS)
    assert ("baseline.tumour_number", "3") not in hospital.codes()
    hospital.fill()
    add_code(hospital, "baseline.tumour_number | 肿瘤数目 tumour number", "3", "missing")
    hospital.load()
    assert hospital.read("baseline")["tumour_number"].value_counts().filter(tumour_number=3).is_empty()
    assert hospital.read("baseline")["tumour_number"].null_count() == 6
    assert "baseline,tumour_number,3,missing" in (hospital.folder / "codes.csv").read_text(encoding="utf-8")


def test_an_added_code_that_cannot_be_is_named_with_its_cell(hospital):
    hospital.propose(PATIENTS)
    hospital.fill()
    first = add_code(hospital, "baseline.size", "3", "missing")
    add_code(hospital, "baseline.tumour_number", "4", "unknown")
    add_code(hospital, "baseline.tumour_number", "", "missing")
    with pytest.raises(WorksheetError) as caught:
        hospital.load()
    for words in (
        f"B{first}: no such field, or no code",
        f"H{first + 1}: this is none of the codes",
        f"B{first + 2}: no such field, or no code",
    ):
        assert words in caught.value.en


def test_an_added_code_waits_for_its_decision(hospital):
    hospital.propose(PATIENTS)
    hospital.fill()
    number = add_code(hospital, "baseline.tumour_number", "3", "")
    with pytest.raises(OpenDecisionsError, match=f"H{number}: baseline.tumour_number: 3"):
        hospital.load()


def test_an_added_code_stays_when_the_worksheet_is_made_anew(hospital):
    hospital.propose(PATIENTS)
    number = find_sheet(read_cells(hospital.worksheet))
    add_code(hospital, "baseline.tumour_number", "3", "missing")
    write_cells(hospital.worksheet, {(SHEETS, f"{HEADER}{number}"): "2"})
    propose_hospital(hospital.settings, "new", hospital.file)
    write_cells(hospital.worksheet, {(SHEETS, f"{HEADER}{number}"): "1"})
    propose_hospital(hospital.settings, "new", hospital.file)
    assert hospital.codes()["baseline.tumour_number", "3"] == "missing"


def test_in_a_later_worksheet_no_code_of_the_mapping_is_given_another_meaning(hospital):
    lines = [with_cells(pvtt_5="无")[0].replace("癌栓描述", "影像所见"), *with_cells(pvtt_5="无")[1:]]
    hospital.propose(lines)
    hospital.fill(columns={"影像所见": ("baseline.pvtt_text", "", "")})
    add_code(hospital, "baseline.tumour_number", "3", "missing")
    with pytest.raises(OpenDecisionsError, match=r"1 code\(s\) have no known meaning"):
        take_worksheet(hospital.folder, lambda _site: read_delivery(hospital.file))
    changes = hospital.folder / "changes.xlsx"
    fill(changes, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
    number = add_code(hospital, "baseline.tumour_number", "3", "4", changes)
    with pytest.raises(WorksheetError, match=f"H{number}: codes.csv already says that this is missing"):
        take_worksheet(hospital.folder)
    write_cells(changes, {(CODES, f"H{number}"): "missing"})
    add_code(hospital, "baseline.tumour_number", "4", "missing", changes)
    take_worksheet(hospital.folder)
    assert (hospital.folder / "codes.csv").read_text(encoding="utf-8").count("tumour_number") == 2


def test_a_unit_in_a_column_that_there_is_not_is_named_with_its_cell(hospital):
    cells = hospital.propose(PATIENTS)
    hospital.fill()
    number = next(n for n, row in list_rows(cells, COLUMNS) if row["C"] == "AFP(ng/mL)")
    write_cells(hospital.worksheet, {(COLUMNS, f"{COLUMN_UNIT}{number}"): "column:检验 单位"})
    with pytest.raises(WorksheetError, match=f"K{number}: this sheet has no column '检验 单位' to hold the unit"):
        hospital.load()
    write_cells(hospital.worksheet, {(COLUMNS, f"{COLUMN_UNIT}{number}"): "column:性别"})
    hospital.load()
