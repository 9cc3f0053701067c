"""The loop of queries: extract, questions, answers, better extract, until nothing is asked any more."""

import clinic
import pytest
import xlsxwriter
from answered_workbook import CONFIRMED, CORRECTED, answer, list_queries
from python_calamine import CalamineWorkbook

from etl import errors
from etl.cli import run_ingest
from etl.publish import write_quality
from etl.quality.queries import HEADER_ROW

UNUSUAL_SIZE = clinic.PATIENTS.replace(",82,", ",260,")  # 26 cm: unusual, and in this patient right
NO_DATE = ("1955/12/31", "New Year's Eve")
FAULTY_LABS = clinic.LABS.replace("3.9", "nil")


def find_workbook(desk):
    return desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"


def read_queries(path):
    """{hospital's column: row of cells} of a query workbook."""
    return {row["Column"]: row for row in list_queries(path)}


def read_states(desk):
    """{hospital's column: state} of every query, as the page's list and the table of states count it."""
    from etl.quality.status import derive_query_status

    status = derive_query_status(*(desk.read(name) for name in ("marts.finding", "ingests", "answers")))
    asked = status.filter(status["severity"] == "query")
    return dict(asked.sort("source_column").select("source_column", "status").iter_rows())


def send(desk, name, **texts):
    clinic.write_delivery(desk.extracts / name, **texts)
    summary = desk.ingest(desk.extracts / name)
    write_quality(desk.settings)
    return summary


def test_a_story_of_four_ingests(desk):
    # 1. Three questions: a size of 26 cm, a word for albumin, a date that nobody can read.
    send(desk, "march", patients=UNUSUAL_SIZE.replace(*NO_DATE), labs=FAULTY_LABS)
    first = read_states(desk)
    assert {column: state for column, state in first.items() if state == "new"} == first
    assert {"albumin", "born", "size"} <= set(first)
    others = dict.fromkeys(set(first) - {"albumin", "born", "size"}, "open")
    # 2. The hospital confirms the size, says that both others are corrected, and has corrected one of them.
    answer(
        find_workbook(desk), desk.extracts / "answers" / "march.xlsx",
        {"size": (CONFIRMED, "CT of 1 March"), "albumin": (CORRECTED, ""), "born": (CORRECTED, "")},
    )  # fmt: skip
    summary = desk.ingest(desk.extracts / "march")
    assert (summary.status, summary.answers) == ("nothing new", 3)
    assert {read_states(desk)[column] for column in ("albumin", "born", "size")} == {"answered"}
    write_quality(desk.settings)
    assert not {"albumin", "born", "size"} & set(read_queries(find_workbook(desk)))
    send(desk, "april", patients=UNUSUAL_SIZE, labs=FAULTY_LABS)
    # The albumin came as before: it rests, and is told, until a delivery brings another text.
    assert read_states(desk) == {**others, "albumin": "answered", "born": "resolved", "size": "answered"}
    assert not {"albumin", "size"} & set(read_queries(find_workbook(desk)))
    # 3. A step back: the date is broken again, albumin is right, the size is now another unusual one.
    send(desk, "may", patients=UNUSUAL_SIZE.replace(",260,", ",270,").replace(*NO_DATE))
    assert read_states(desk) == {**others, "albumin": "resolved", "born": "reopened", "size": "open"}
    assert read_queries(find_workbook(desk))["born"]["Status"] == "再次出现 came back"
    # 4. Everything right.
    send(desk, "june")
    assert read_states(desk) == {**others, "albumin": "resolved", "born": "resolved", "size": "resolved"}


def test_who_answered_what_and_when_is_kept(desk):
    send(desk, "march", patients=UNUSUAL_SIZE)
    answer(find_workbook(desk), desk.extracts / "answers" / "a.xlsx", {"size": (CONFIRMED, "CT of 1 March")}, by="DM 7")
    desk.ingest(desk.extracts / "march")
    kept = desk.read("answers").row(0, named=True)
    assert (kept["answer"], kept["comment"], kept["answered_by"]) == ("confirmed", "CT of 1 March", "DM 7")
    assert (kept["source_file"], kept["value"], kept["ingest_id"]) == ("a.xlsx", "260", 1)
    assert kept["source_row"] > HEADER_ROW + 1
    assert kept["taken_at"].endswith("+00:00")


def test_an_answered_workbook_is_never_overwritten(desk):
    send(desk, "march", patients=UNUSUAL_SIZE)
    answer(find_workbook(desk), find_workbook(desk), {"size": (CONFIRMED, "")})
    filled_in = find_workbook(desk).read_bytes()
    write_quality(desk.settings)
    copies = list((desk.extracts / "answers").iterdir())
    assert [copy.read_bytes() for copy in copies] == [filled_in]
    assert "size" in read_queries(find_workbook(desk))  # not taken yet: only an ingest takes answers
    assert desk.ingest(desk.extracts / "march").answers == 1
    write_quality(desk.settings)
    assert "size" not in read_queries(find_workbook(desk))


def test_a_workbook_filled_in_where_it_lies_is_taken(desk, monkeypatch):
    send(desk, "march", patients=UNUSUAL_SIZE)
    answer(find_workbook(desk), find_workbook(desk), {"size": (CONFIRMED, "")})
    filled_in = find_workbook(desk).read_bytes()
    monkeypatch.setattr("etl.cli.read_settings", lambda: desk.settings)
    run_ingest("clinic")
    assert read_states(desk)["size"] == "answered"
    assert "size" not in read_queries(find_workbook(desk))
    assert [copy.read_bytes() for copy in (desk.extracts / "answers").iterdir()] == [filled_in]
    assert desk.ingest().answers == 0


def test_the_same_answers_are_taken_once(desk):
    send(desk, "march", patients=UNUSUAL_SIZE)
    folder = desk.extracts / "answers"
    answer(find_workbook(desk), folder / "a.xlsx", {"size": (CONFIRMED, "")})
    assert desk.ingest(desk.extracts / "march", check=True).answers == 1
    assert desk.read("answers").is_empty()  # a check keeps nothing
    assert desk.ingest(desk.extracts / "march").answers == 1
    answer(folder / "a.xlsx", folder / "saved again.xlsx", {}, by="somebody else")
    assert desk.ingest(desk.extracts / "march").answers == 0


def test_personal_data_in_a_comment_is_masked(desk):
    send(desk, "march", patients=UNUSUAL_SIZE)
    answer(find_workbook(desk), desk.extracts / "answers" / "a.xlsx", {"size": ("", "电话 13812345678")})
    desk.ingest(desk.extracts / "march")
    kept = desk.read("answers").row(0, named=True)
    assert (kept["answer"], kept["comment"]) == ("comment", "电话 [masked]")


def test_every_fault_of_the_answers_is_told_at_its_cell(desk):
    send(desk, "march", patients=UNUSUAL_SIZE, labs=FAULTY_LABS)
    path = answer(
        find_workbook(desk), desk.extracts / "answers" / "a.xlsx",
        {"size": ("maybe 82", ""), "albumin": ("见备注 comment", "")},
    )  # fmt: skip
    (desk.extracts / "answers" / "list.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    clinic.write_delivery(desk.extracts / "april")
    with pytest.raises(errors.AnswerError) as caught:
        desk.ingest(desk.extracts / "april")
    rows = {column: int(row["No."]) + HEADER_ROW + 1 for column, row in read_queries(path).items()}
    assert f"a.xlsx / 质疑 Queries, row {rows['size']}, column 'Answer': choose one of the list" in caught.value.en
    assert f"a.xlsx / 质疑 Queries，第 {rows['albumin']} 行，“备注”列：备注为空。" in caught.value.zh
    assert "list.csv: this is no query workbook" in caught.value.en
    assert "maybe" not in caught.value.en
    assert desk.read("ingests").height == 1


def test_an_answer_to_a_query_of_nobody_is_refused(desk):
    send(desk, "march", patients=UNUSUAL_SIZE)
    path = answer(find_workbook(desk), desk.extracts / "answers" / "a.xlsx", {"size": (CONFIRMED, "")})
    size = read_queries(path)["size"]
    book = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(1).to_python()
    with xlsxwriter.Workbook(str(path)) as out:
        page = out.add_worksheet("质疑 Queries")
        for r, row in enumerate(book):
            page.write_row(r, 0, ["f" * 16 if cell == size["Query id"] else cell for cell in row])
    with pytest.raises(errors.AnswerError, match="column 'Query id': no query of this hospital has this id"):
        desk.ingest(desk.extracts / "march")
