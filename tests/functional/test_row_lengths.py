"""Text files whose rows have more or fewer cells than the header: separators at the end, cells broken by a comma, cells left out."""

import random

import polars as pl
import pytest
from drawn_table import HEADER, NUMBERS, draw_table
from onboarded import onboard

from etl.delivery.read import ROW, read_delivery
from etl.mapping.verbs import map_delivery
from etl.settings import Settings


@pytest.fixture(scope="module")
def rows():
    drawn = draw_table(random.Random(5), NUMBERS["letters"])
    return [[NUMBERS["letters"](n), *(cell or "" for cell in row[1:])] for n, row in enumerate((drawn * 5)[:40])]


def write(path, lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("site")
    path = write(folder / "a.csv", [",".join(row) for row in [HEADER, *rows]])
    return onboard(Settings(folder / "workspace", folder / "key", "both"), path)


def list_cells(mapped):
    return {t: frame.drop("_group").rows() for t, frame in mapped.records.items() if frame.height}


def end_with(n, which):
    return lambda lines: [line + "," * n if which(i) else line for i, line in enumerate(lines)]


@pytest.mark.parametrize(
    "change",
    [
        end_with(1, lambda _: True),
        end_with(3, lambda _: True),
        end_with(2, lambda i: i > 0),
        end_with(4, lambda i: 16 <= i < 32),  # a block of Excel's
        end_with(1, lambda i: i == 7),
        lambda lines: [lines[0], *(line.rstrip(",") for line in lines[1:])],
        lambda lines: [line.rstrip(",") if 16 <= i < 32 else line for i, line in enumerate(lines)],
    ],
)
def test_separators_at_the_end_or_none_change_nothing(site, rows, tmp_path, change):
    plain = [",".join(row) for row in [HEADER, *rows]]
    wanted = map_delivery(read_delivery(write(tmp_path / "a.csv", plain)), site)
    got = map_delivery(read_delivery(write(tmp_path / "b.csv", change(plain))), site)
    assert got.slipped.is_empty()
    assert [[c[1:] for c in rows] for rows in list_cells(got).values()] == [
        [c[1:] for c in rows] for rows in list_cells(wanted).values()
    ]


WHOLE = [
    "ZY999999",
    "男",
    "1950-01-10",
    "2020-03-04",
    "1",
    "阳性",
    "15.5",
    "38.5",
    "12.3",
    "癌栓",
    "2022-01-05",
    "存活",
]


@pytest.mark.parametrize("place", range(1, 11))
def test_a_row_with_a_cell_left_out_gives_no_value_behind_it(site, rows, tmp_path, place):
    """A proof needs two cells that are no values where they stand; where there is none, what stands there is one."""
    short = [*WHOLE[:place], *WHOLE[place + 1 :]]
    lines = [",".join(row) for row in [HEADER, *rows]]
    lines[20] = ",".join(short)
    mapped = map_delivery(read_delivery(write(tmp_path / "a.csv", lines)), site)
    if place < 9:
        assert mapped.slipped["source_row"].to_list() == [21]
    for frame in mapped.records.values():
        for row in frame.filter(pl.col(ROW) == 21).iter_rows(named=True):
            assert row.get("value") not in short[place:] or place >= 9


@pytest.mark.parametrize("place", range(1, 11))
@pytest.mark.parametrize("end", ["", ","])
def test_a_cell_broken_in_two_gives_no_value_behind_it(site, rows, tmp_path, place, end):
    long = [*WHOLE[:place], WHOLE[place], "7", *WHOLE[place + 1 :]]
    lines = [",".join(row) for row in [HEADER, *rows]]
    lines[20] = ",".join(long) + end
    mapped = map_delivery(read_delivery(write(tmp_path / "a.csv", lines)), site)
    assert mapped.slipped["source_row"].to_list() == [21]
    behind = set(long[place + 1 :])
    for table, frame in mapped.records.items():
        texts = {str(c) for row in frame.filter(pl.col(ROW) == 21).drop(ROW, "_group").rows() for c in row}
        assert not texts & (behind - set(long[: place + 1])), table


def test_a_row_set_aside_whole_is_in_the_accounts(site, rows, tmp_path):
    lines = [",".join(row) for row in [HEADER, *rows]]
    lines[20] = "注,意," + ",".join(WHOLE)
    mapped = map_delivery(read_delivery(write(tmp_path / "a.csv", lines)), site)
    told = dict(mapped.row_accounts.select("rule", "n_rows").rows())
    assert told["cells beside their columns, set aside / 单元格错位，已隔离"] == 1
    assert mapped.slipped.select("source_row", "source_column").rows() == [(21, "")]
