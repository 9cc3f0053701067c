"""What a terminal, a page or a spreadsheet would obey is written out or neutralised, and is read back as it was."""

import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.onboarding.decisions import Decision, print_decisions, read_decisions
from etl.onboarding.site_files import _read_rows as read_rows
from etl.onboarding.site_files import print_csv
from etl.pages.cells import escape_hidden, is_visible, neutralise, read_neutralised, restore_hidden, show_hidden
from etl.pages.page import render_page
from etl.pages.spreadsheet import open_workbook
from etl.pages.text import Text

HOSTILE = "a\x1b[31mb\u202ec\u200bd\u2066e\x07"
SHOWN = r"a\x1b[31mb\u202ec\u200bd\u2066e\x07"


@given(st.text())
def test_any_text_is_shown_without_hidden_signs_and_read_back(text):
    shown = show_hidden(text)
    assert all(is_visible(sign) or sign in "\n\t" for sign in shown)
    if "\\" not in text:
        assert restore_hidden(shown) == text


@given(st.text(alphabet="'=+-@\t\r0129.ab,\n"))
def test_any_cell_is_neutralised_and_read_back(text):
    written = neutralise(text)
    assert read_neutralised(written) == text
    assert written[:1] not in ("=", "@", "\t", "\r")


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd|x", "@x", "\t=1", "\r=1", "'=1", "--"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-98", "+", "-", "-1.5", "1", "男", "a=b", "'x"])
def test_what_it_would_not_run_stays(text):
    assert neutralise(text) == text


def test_the_files_of_a_mapping_run_nothing_and_are_read_as_they_were(tmp_path):
    rows = [["s", "=HYPERLINK(1)", "+x", "'=y", "-98"], ["@a", "-1", "b", "", "\t=c"]]
    path = tmp_path / "codes.csv"
    path.write_text(print_csv(["a", "b", "c", "d", "e"], rows), encoding="utf-8", newline="\n")
    assert read_rows(path) == rows
    assert not [
        cell
        for line in path.read_text("utf-8").splitlines()
        for cell in line.split(",")
        if cell.startswith(("=", "@", "+x"))
    ]
    decision = Decision("code", "a.b", "=1", "", "", "", "0", "1", "-x")
    (tmp_path / "decisions.csv").write_text(print_decisions([decision]), encoding="utf-8")
    assert read_decisions(tmp_path) == [decision]


def test_a_page_shows_what_it_would_obey(tmp_path):
    (tmp_path / "a.html").write_text("<p>{{ value }}|{{ both }}|{{ both.to_svg() }}</p>", encoding="utf-8")
    html = render_page(tmp_path / "a.html", {"value": HOSTILE, "both": Text(HOSTILE, "中\u202e")})
    assert html.count(SHOWN) == 3
    assert not {"\x1b", "\u202e", "\u200b", "\x07"} & set(html)


def test_a_workbook_shows_what_a_reader_would_obey(tmp_path):
    with open_workbook(tmp_path / "a.xlsx", "a") as book:
        book.add_worksheet("a").write_string(0, 0, HOSTILE)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as packed:
        texts = packed.read("xl/sharedStrings.xml").decode()
    assert SHOWN in texts


def test_the_terminal_keeps_what_it_is_told_to_keep():
    assert escape_hidden("a\nb\x1b", keep="\n") == "a\nb\\x1b"
