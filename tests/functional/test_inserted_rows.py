"""Rows of every kind that is no record, put at random places into a generated table: the same records, and accounts that name each of them."""

import random
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest
from drawn_table import HEADER, NUMBERS, draw_table
from onboarded import onboard

from etl.delivery.read import ROW, Delivery, Grid, read_delivery
from etl.errors import StructureError
from etl.mapping.row_kinds import FURTHER_NAMES, NOTE, REPEATED_HEADER, TOTALS_ROW, UNIT_ROW
from etl.mapping.verbs import map_delivery
from etl.onboarding.proposing.layout import read_layout
from etl.settings import Settings

UNITS = [None, None, None, None, "分", None, "μmol/L", "g/L", "ng/mL", None, None, None]
ENGLISH = [
    "MRN",
    "Sex",
    "Birth",
    "Diagnosis",
    "ECOG score",
    "Antigen",
    "TBil",
    "Alb",
    "Fetoprotein",
    "Vein",
    "Last seen",
    "Status",
]
NOTES = [
    ["制表人：张三", None, None, "2022-01-01"],
    ["注：AFP单位为ng/mL"],
    ["备注: 死亡患者以红色标记，共3例"],
    [None, "审核：李四"],
    ["制表人：", "张三", "审核：", "李四", "打印时间：", "2022-01-01"],
    ["打印时间：2022-03-04 10:20:00"],
    ["本表由信息科导出，仅供研究使用，未经允许不得外传"],
    ["第2页 共3页"],
    ["Page 2 of 3"],
    ["Note: values above 1210 are cut off"],
    [None, None, None, None, None, None, None, None, "以下为二期患者（手工录入）"],
    ["科主任签名：", None, None, None, "王五"],
    ["王医生组"],
    ["肝癌患者随访一览表"],
]
TOTALS = [
    ["合计", None, None, None, None, None, "15.2", "38.1", "400"],
    ["合  计", "12例"],
    ["小计：6例"],
    [None, None, None, None, None, "平均", "16.1", "38.2", "455.5"],
    ["Total", None, None, None, "9"],
    ["平均值", None, None, None, "0.5", None, "15.1", "38", "300.1"],
]
RECORDS = [{}, {1: "女"}, {8: "见报告"}, {9: "注：门静脉主干可疑", 10: "2021-02-03"}]
"""Cells of patients of whom little is known: records all the same."""


def fill_up(row) -> list[str | None]:
    return [*row, *[None] * (len(HEADER) - len(row))]


def insert(rows, draw: random.Random) -> tuple[list[list[str | None]], Counter[str]]:
    """Put rows of no record into a table; return it and how many of each rule there are."""
    told: Counter[str] = Counter()
    rows = list(rows)
    for _ in range(draw.randint(1, 6)):
        rule, row = draw.choice([
            (NOTE, draw.choice(NOTES)), (NOTE, draw.choice(NOTES)), (TOTALS_ROW, draw.choice(TOTALS)), (REPEATED_HEADER, HEADER),
            ("blank row", []),
        ])  # fmt: skip
        told[rule] += 1
        rows.insert(draw.randint(0, len(rows)), fill_up(row))
    if draw.random() < 0.5:
        told[UNIT_ROW] += 1
        rows.insert(0, UNITS)
    return rows, told


def make_delivery(path, rows) -> Delivery:
    cells = pl.DataFrame(
        {str(p): [HEADER[p], *(row[p] for row in rows)] for p in range(len(HEADER))},
        schema=dict.fromkeys(map(str, range(len(HEADER))), pl.String),
    )
    grid = Grid(
        "a.csv", None, cells.with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64)), encoding="utf-8"
    )
    return Delivery(path, "", (grid,))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    rows = draw_table(random.Random(1), NUMBERS["letters"])
    path = folder / "a.csv"
    path.write_text("\n".join(",".join(cell or "" for cell in row) for row in [HEADER, *rows]), encoding="utf-8")
    return onboard(Settings(folder / "workspace", folder / "key", "both"), path)


def list_records(mapped) -> dict[str, list]:
    """Records of each table by their content, wherever they stood."""
    return {
        table: sorted(map(str, frame.drop(ROW, "_group").rows()))
        for table, frame in mapped.records.items()
        if frame.height
    }


ALONE = [note for note in NOTES if sum(cell is not None for cell in note) == 1 and note[0] is not None]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "note", [*ALONE, ["HBsAg 1=阳性 2=阴性，空白为未查"], ["以上数据由科室核对"]], ids=lambda note: note[0]
)
def test_a_note_below_a_table_of_few_rows_is_no_record(site, tmp_path, n, note):
    rows = draw_table(random.Random(5), NUMBERS["letters"])[:n]
    alone = map_delivery(make_delivery(tmp_path, rows), site)
    noted = map_delivery(make_delivery(tmp_path, [*rows, fill_up([]), fill_up(note)]), site)
    assert list_records(noted) == list_records(alone)
    assert dict(noted.row_accounts.select("rule", "n_rows").rows())[NOTE] == 1


@pytest.mark.parametrize("number", ["digits", "with a visit", "names of wards"])
def test_a_patient_of_whom_only_the_number_is_known_stays_one_in_a_table_of_few_rows(site, tmp_path, number):
    rows = draw_table(random.Random(5), NUMBERS[number])[:2]
    few = map_delivery(make_delivery(tmp_path, [*rows, fill_up([NUMBERS[number](7)])]), site)
    assert few.records["patient"].height == 3


@pytest.mark.parametrize("seed", range(120))
def test_rows_of_no_record_change_no_record_and_are_named(site, tmp_path, seed):
    draw = random.Random(seed)
    number = NUMBERS[draw.choice(sorted(NUMBERS))]
    rows = draw_table(draw, number)
    few = [fill_up([]) for _ in range(draw.randint(0, 2))]
    for row in few:
        row[0] = number(90 + few.index(row))
        for place, text in draw.choice(RECORDS).items():
            row[place] = text
    plain = rows + few
    draw.shuffle(plain)
    among, told = insert(plain, draw)
    wanted, got = (map_delivery(make_delivery(tmp_path, table), site) for table in (plain, among))
    assert list_records(got) == list_records(wanted)
    rules = dict(got.row_accounts.select("rule", "n_rows").rows())
    assert rules == {"used": len(plain), "header": 1, **told}
    assert wanted.slipped.is_empty()
    assert got.slipped.is_empty()
    assert got.odd_numbers.is_empty()
    assert "张三" not in str([part.read()["cells"].to_list() for part in got.landing.rows])
    (source,) = read_layout(make_delivery(tmp_path, among)).sources
    assert source.header_row == (2 if source.levels else 1)
    assert source.rows.height == len(plain)


@pytest.mark.parametrize("seed", range(20))
def test_a_number_that_breaks_in_two_loads_nothing_behind_it(site, tmp_path, seed):
    """A comma in a number makes a row one cell longer, or as long as before where its last cells were empty."""
    draw = random.Random(seed)
    rows = draw_table(draw, NUMBERS["letters"])
    broken = draw.randrange(len(rows))
    whole = [*rows[broken]]
    place = draw.choice([6, 7])
    for p, text in enumerate(
        ["ZY999999", "男", "1950-01-10", "2020-03-04", "1", "阳性", "15.5", "38.5", "12.3", "无", "2022-01-05", "存活"]
    ):
        whole[p] = text
    long = [*whole[:place], *whole[place].split("."), *whole[place + 1 :]]
    lines = [HEADER, *rows]
    lines[broken + 1] = long
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(cell or "" for cell in row) for row in lines), encoding="utf-8")
    mapped = map_delivery(read_delivery(path), site)
    assert mapped.slipped["source_row"].to_list() == [broken + 2]
    for table, frame in mapped.records.items():
        of_row = frame.filter(pl.col(ROW) == broken + 2)
        texts = {str(cell) for row in of_row.drop(ROW, "_group").rows() for cell in row}
        assert not texts & {*long[place : place + 2], "12.3", "2022-01-05", "存活"}, table


@pytest.mark.parametrize("below", [ENGLISH])
def test_names_in_a_second_language_below_the_header_are_no_patient(site, tmp_path, below):
    rows = draw_table(random.Random(3), NUMBERS["digits"])
    mapped = map_delivery(make_delivery(tmp_path, [below, *rows]), site)
    assert dict(mapped.row_accounts.select("rule", "n_rows").rows())[FURTHER_NAMES] == 1


def test_other_units_below_the_header_are_refused(site, tmp_path):
    rows = draw_table(random.Random(3), NUMBERS["digits"])
    other = [unit and unit.replace("μmol/L", "mg/dL") for unit in UNITS]
    with pytest.raises(StructureError, match="row 2 states the unit mg/dL for column '总胆红素"):
        map_delivery(make_delivery(tmp_path, [other, *rows]), site)


def test_another_table_below_the_first_is_refused(site, tmp_path):
    rows = draw_table(random.Random(3), NUMBERS["digits"])
    second = [
        fill_up(["住院号", "检验日期", "项目", "结果", "单位"]),
        fill_up(["20456", "2020-03-04", "AFP", "12", "ng/mL"]),
    ]
    delivery = make_delivery(tmp_path, [*rows, fill_up([]), *second])
    with pytest.raises(StructureError, match=f"row {len(rows) + 3} names columns"):
        map_delivery(delivery, site)


def test_a_changed_header_in_the_middle_is_refused(site, tmp_path):
    rows = draw_table(random.Random(3), NUMBERS["digits"])
    changed = [name.replace("(g/L)", "(g/dL)") for name in HEADER]
    with pytest.raises(StructureError, match="row 7 names columns"):
        map_delivery(make_delivery(tmp_path, [*rows[:5], changed, *rows[5:]]), site)


@pytest.mark.parametrize(
    ("mark", "rule"),
    [
        ("hidden_rows", "used, hidden in the workbook / 已使用（在工作簿中隐藏）"),
        ("struck_rows", "used, with cells struck through / 已使用（含划去的单元格）"),
    ],
)
def test_hidden_and_struck_rows_are_loaded_and_told(site, tmp_path, mark, rule):
    rows = draw_table(random.Random(3), NUMBERS["digits"])
    delivery = make_delivery(tmp_path, rows)
    hidden = Delivery(tmp_path, "", (replace(delivery.grids[0], **{mark: frozenset({3, 4})}),))
    mapped = map_delivery(hidden, site)
    assert list_records(mapped) == list_records(map_delivery(delivery, site))
    told = dict(mapped.row_accounts.select("rule", "n_rows").rows())
    assert (told["used"], told[rule]) == (len(rows) - 2, 2)
