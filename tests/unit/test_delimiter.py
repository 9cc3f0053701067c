"""Which character cuts a text file into cells, where titles, explanations, decimal commas and free texts hold others."""

import pytest

from etl.delivery.read import read_delivery

EXPLAINED = (
    "#Identifier to specify a patient, unique, of any form, as text, once per line\tAge, in years, completed, as stated\n"
    "#STRING\tNUMBER\nPATIENT_ID\tAGE\nA\t63\nB\t64\n"
)


def read_cells(folder, text: str, name: str = "x.txt") -> list[tuple[str | None, ...]]:
    (folder / name).write_text(text, encoding="utf-8")
    (grid,) = read_delivery(folder / name).grids
    return grid.cells.drop("source_row").rows()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("a,b\n1,2\n", ("1", "2")),
        ("a\tb\n1\t2\n", ("1", "2")),
        ("a;b\n1;2\n", ("1", "2")),
        (EXPLAINED, ("B", "64")),
        # Decimal commas in every row: both characters cut every row, only one cuts the header too.
        ("no;albumin;AFP\n1;3,9;20,5\n2;4,1;7,5\n", ("2", "4,1", "7,5")),
        # More semicolons than commas, all inside one column of free text.
        ("no,remark\n1,a; b; c\n2,d; e; f; g\n3,\n", ("3", None)),
        # A title and blank lines above the header.
        ("Report; 2020; all wards; final\n\n\nno\tremark\n1\ta,b\n", ("1", "a,b")),
        ('no,remark\n1,"a;b\n;c;d\n;e"\n2,"x"\n', ("2", "x")),
        ("only one column\n1\n2\n", ("2",)),
    ],
)
def test_the_delimiter_is_the_character_that_makes_equal_rows(tmp_path, text, last):
    assert read_cells(tmp_path, text)[-1] == last


def test_a_long_file_is_judged_by_its_beginning(tmp_path):
    text = "no,remark\n" + "".join(f"{i},a; b; c {'x' * 100}\n" for i in range(3000))
    rows = read_cells(tmp_path, text)
    assert len(rows) == 3001
    assert {len(row) for row in rows} == {2}


def test_a_tsv_file_is_cut_at_tabs_whatever_it_holds(tmp_path):
    assert read_cells(tmp_path, "a\tb,c\n1\t2,3\n", "x.tsv") == [("a", "b,c"), ("1", "2,3")]


def test_an_empty_text_has_no_cells(tmp_path):
    assert read_cells(tmp_path, "\n\n") == []
