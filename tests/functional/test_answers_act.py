"""Answers act: what a hospital confirms counts from then on, as long as it stays the same, and nothing else does.

Stories through the commands' own functions; the small hospital sends a weight and a bilirubin besides.
"""

import zipfile
from pathlib import Path

import clinic
import polars as pl
import pytest
import xlsxwriter
from answered_workbook import CONFIRMED, CORRECTED, NOT_AVAILABLE, answer, list_queries, read_heads
from python_calamine import CalamineWorkbook

from etl import errors
from etl.load import revert
from etl.publish import write_quality

HEADS = "number,name,id card,sex,born,portal vein,size,lung,bone,remark,weight"
WEIGHTS = {"001": "134", "002": "300", "003": "700"}
BILIRUBIN = {"001": "2.5", "002": "20", "003": "30"}


@pytest.fixture
def desk(desk):
    columns = clinic.COLUMNS + "patients,weight,field,baseline,body_weight_kg,,kg,\n"
    columns += "labs,bilirubin,field,laboratory,value,test=bilirubin_umol_l,umol/L,\n"
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=columns)
    return desk


def write(folder: Path, weights=WEIGHTS, bilirubin=BILIRUBIN) -> Path:
    patients = clinic.PATIENTS.replace("remark", "remark,weight")
    patients = "\n".join(
        f"{line},{weights[line[:3]]}" if line[:3] in weights else line for line in patients.splitlines()
    )
    labs = "\n".join(
        f"{line},{bilirubin[line[:3]]}" if line[:3] in bilirubin else f"{line},bilirubin"
        for line in clinic.LABS.splitlines()
    )
    return clinic.write_delivery(folder, patients=patients.replace("total 3,,,,,,,,,", "total 3,,,,,,,,,,"), labs=labs)


def send(desk, name, **values):
    summary = desk.ingest(write(desk.extracts / name, **values))
    write_quality(desk.settings)
    return summary


def find_workbook(desk) -> Path:
    return desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"


def find_question(desk, value) -> dict:
    return next(row for row in list_queries(find_workbook(desk)) if row["Value"] == value)


def list_values(desk) -> list[str]:
    return [row["Value"] for row in list_queries(find_workbook(desk))]


def reply(desk, *values, choice=CONFIRMED, name="back.xlsx", comment="", **options) -> Path:
    answers = {find_question(desk, value)["Query id"]: (choice, comment) for value in values}
    return answer(find_workbook(desk), desk.extracts / "answers" / name, answers, **options)


def read_loaded(desk) -> dict[str, tuple]:
    """Weight and bilirubin of the patients, in the order of the file."""
    subject = desk.read("core.subject").sort("source_row")
    return dict(subject.select("source_row", pl.concat_list("body_weight_kg", "bilirubin_umol_l")).iter_rows())


def change_cells(source: Path, target: Path, change) -> Path:
    """Save a workbook anew with changed cells; `change(heads, rows)` gets the table of queries and changes its rows in place."""
    book = CalamineWorkbook.from_path(str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(target)) as out:
        for name in book.sheet_names:
            rows = [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
            top = next((n for n, row in enumerate(rows) if "Query id" in read_heads(row)), None)
            if top is not None:
                below = rows[top + 1 :]
                change(read_heads(rows[top]), below)
                rows[top + 1 :] = below
            page = out.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    if cell != "":
                        page.write(r, c, cell)
    return target


def take(desk, change):
    """Ingest with a changed copy of the workbook among the answers."""
    change_cells(find_workbook(desk), desk.extracts / "answers" / "changed.xlsx", change)
    return desk.ingest()


def find_row(heads, rows, value):
    return next(row for row in rows if row[heads.index("Value")] == value)


def test_confirmed_values_over_three_deliveries(desk):
    send(desk, "march")
    assert {"134", "300", "700", "2.5"} <= set(list_values(desk))
    assert read_loaded(desk) == {2: [None, None], 3: [None, 20.0], 4: [None, 30.0]}
    # The same delivery is read again, since answers came that change what it says.
    reply(desk, "134", "300", "2.5", by="DM 7")
    summary = desk.ingest()
    assert (summary.status, summary.answers, summary.confirmed) == ("loaded", 3, 3)
    counted = {2: [134.0, 2.5], 3: [300.0, 20.0], 4: [None, 30.0]}
    assert read_loaded(desk) == counted
    assert desk.read("core.baseline").filter(body_weight_kg=134)["source_row"].to_list() == [2]
    assert not desk.read("core.quarantine").filter(pl.col("value").is_in(["134", "300", "2.5"])).height
    write_quality(desk.settings)
    assert not {"134", "300", "2.5"} & set(list_values(desk))
    assert "700" in list_values(desk)
    # It walks back: who, when, in which workbook.
    kept = desk.read("core.confirmed").join(desk.read("answers"), on="answer_id", suffix="_of_answer")
    assert kept["answered_by"].unique().to_list() == ["DM 7"]
    assert kept["source_file_of_answer"].unique().to_list() == ["back.xlsx"]
    assert kept["taken_at"].str.starts_with("20").all()
    page = (find_workbook(desk).parent / "index.html").read_text(encoding="utf-8")
    assert "Confirmed by you, and counted" in page
    assert "DM 7" in page
    # The next delivery holds the same: nobody is asked again.
    assert send(desk, "april", bilirubin={**BILIRUBIN, "002": "21"}).confirmed == 3
    assert read_loaded(desk) == {**counted, 3: [300.0, 21.0]}
    assert not {"134", "300", "2.5"} & set(list_values(desk))
    # Then one value changes: that one is asked about, the others count.
    assert send(desk, "may", weights={**WEIGHTS, "001": "136"}).confirmed == 2
    assert read_loaded(desk) == {2: [None, 2.5], 3: [300.0, 20.0], 4: [None, 30.0]}
    assert {"136", "700"} <= set(list_values(desk))
    # The old value comes back: it is not the last one that was confirmed once the new one is.
    reply(desk, "136", name="136.xlsx")
    assert desk.ingest().confirmed == 3
    assert send(desk, "june", weights=WEIGHTS, bilirubin={**BILIRUBIN, "002": "22"}).confirmed == 2
    assert "134" in list_values(desk)


def test_what_no_patient_weighs_cannot_be_confirmed_and_the_choice_is_not_offered(desk):
    send(desk, "march")
    with zipfile.ZipFile(find_workbook(desk)) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    place = {row["Value"]: f"O{int(row['No.']) + 4}" for row in list_queries(find_workbook(desk))}
    lists = {
        cell: part
        for part in sheet.split("<dataValidation ")[1:]
        for cell in part.split('sqref="')[1].split('"')[0].split()
    }
    cells = {cell: part for listed, part in lists.items() for cell in spread(listed)}
    for value, is_offered in (("134", True), ("300", True), ("2.5", True), ("700", False)):
        assert ("confirmed correct" in cells[place[value]]) is is_offered, value
    reply(desk, "700")
    with pytest.raises(errors.AnswerError, match="column 'Answer': this cannot be confirmed"):
        desk.ingest()
    assert desk.read("answers").is_empty()


def spread(cells):
    """O5:O7 -> O5, O6, O7."""
    first, _, last = cells.partition(":")
    return [f"{first[0]}{n}" for n in range(int(first[1:]), int((last or first)[1:]) + 1)]


def test_what_cannot_be_read_cannot_be_confirmed(desk):
    send(desk, "march", weights={**WEIGHTS, "001": "heavy"})
    reply(desk, "heavy")
    with pytest.raises(errors.AnswerError, match="this cannot be confirmed"):
        desk.ingest()


def test_a_later_answer_takes_a_confirmation_back(desk):
    send(desk, "march")
    written = find_workbook(desk).read_bytes()
    reply(desk, "134")
    assert desk.ingest().confirmed == 1
    find_workbook(desk).with_name("old.xlsx").write_bytes(written)
    question = next(row for row in list_queries(find_workbook(desk).with_name("old.xlsx")) if row["Value"] == "134")
    answer(
        find_workbook(desk).with_name("old.xlsx"),
        desk.extracts / "answers" / "z.xlsx",
        {question["Query id"]: (CORRECTED, "67")},
    )
    find_workbook(desk).with_name("old.xlsx").unlink()
    summary = desk.ingest()
    assert (summary.status, summary.confirmed, summary.typed_values) == ("loaded", 0, 1)
    assert read_loaded(desk)[2][0] is None


def test_no_value_is_typed_into_the_registry(desk):
    """A right value in the comment is a comment, and said to be one."""
    send(desk, "march")
    reply(desk, "134", choice=CORRECTED, comment="67 kg")
    summary = desk.ingest()
    assert (summary.status, summary.typed_values) == ("nothing new", 1)
    assert read_loaded(desk)[2][0] is None
    # It rests, is told on the page, and is settled by a delivery.
    write_quality(desk.settings)
    assert "134" not in list_values(desk)
    send(desk, "april", bilirubin={**BILIRUBIN, "002": "21"})
    assert "134" not in list_values(desk)
    assert "said to be corrected in the source" in (find_workbook(desk).parent / "index.html").read_text(
        encoding="utf-8"
    )
    send(desk, "may", weights={**WEIGHTS, "001": "67"})
    assert read_loaded(desk)[2][0] == 67.0
    send(desk, "june")
    assert "134" in list_values(desk)  # another value had come in between: it is asked again


def test_after_a_revert_the_confirmed_values_count_with_the_next_reading(desk):
    send(desk, "march")
    reply(desk, "134")
    desk.ingest()
    revert(desk.settings, "clinic")
    assert read_loaded(desk)[2][0] is None
    assert desk.ingest().confirmed == 1
    assert read_loaded(desk)[2][0] == 134.0


def test_a_check_counts_what_would_count_and_keeps_nothing(desk):
    folder = write(desk.extracts / "march")
    desk.ingest()
    write_quality(desk.settings)
    reply(desk, "134")
    assert desk.ingest(folder, check=True).confirmed == 1
    assert desk.read("answers").is_empty()
    assert read_loaded(desk)[2][0] is None


@pytest.mark.parametrize("is_beside", [True, False])
def test_answers_are_taken_wherever_the_delivery_came_from(desk, tmp_path, is_beside):
    elsewhere = tmp_path / "usb stick"
    desk.ingest(write(elsewhere / "march"))
    write_quality(desk.settings)
    kept = reply(desk, "134")
    if is_beside:
        (elsewhere / "answers").mkdir()
        kept.rename(elsewhere / "answers" / "back.xlsx")
        (elsewhere / "answers" / "of another hospital.csv").write_text("a,b\n", encoding="utf-8")
        with pytest.raises(errors.AnswerError, match="no query workbook"):
            desk.ingest(elsewhere / "march")
        (elsewhere / "answers" / "of another hospital.csv").unlink()
    summary = desk.ingest(elsewhere / "march" if is_beside else None)
    assert (summary.status, summary.answers, summary.confirmed) == ("loaded", 1, 1)


def test_answers_are_taken_where_the_delivery_is_gone(desk, tmp_path):
    elsewhere = write(tmp_path / "usb stick")
    desk.ingest(elsewhere)
    write_quality(desk.settings)
    reply(desk, "134")
    elsewhere.rename(tmp_path / "taken away")
    summary = desk.ingest()
    assert (summary.status, summary.answers, summary.waiting) == ("nothing new", 1, 1)
    summary = desk.ingest(tmp_path / "taken away")
    assert (summary.status, summary.confirmed) == ("loaded", 1)


def one_column_left(heads, rows):
    find_row(heads, rows, "134")[heads.index("Answer") - 1] = CONFIRMED


def one_column_right(heads, rows):
    find_row(heads, rows, "134")[heads.index("Comment")] = CONFIRMED


def beside_the_table(heads, rows):
    find_row(heads, rows, "134").append("checked with the family")


def into_the_value(heads, rows):
    find_row(heads, rows, "134")[heads.index("Value")] = "67"


def into_the_value_and_answered(heads, rows):
    row = find_row(heads, rows, "134")
    row[heads.index("Value")], row[heads.index("Answer")] = "67", CORRECTED


def over_the_label(heads, rows):
    find_row(heads, rows, "134")[heads.index("Registry field")] = "已与家属确认"


def shift_after_a_sort(heads, rows):
    """The ids were sorted without the other columns, in the direction in which the answered row has another one."""
    column, answered = heads.index("Query id"), find_row(heads, rows, "134")
    ids = sorted((row[column] for row in rows), reverse=True)
    ids = ids[::-1] if ids[rows.index(answered)] == answered[column] else ids
    for row, query in zip(rows, ids, strict=True):
        row[heads.index("Query id")] = query
    find_row(heads, rows, "134")[heads.index("Answer")] = CONFIRMED


def shift_one_row(heads, rows):
    """A cell was inserted above the ids."""
    column = heads.index("Query id")
    ids = [row[column] for row in rows]
    for row, query in zip(rows, [ids[-1], *ids[:-1]], strict=True):
        row[column] = query
    for row in rows:
        row[heads.index("Answer")] = NOT_AVAILABLE


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        (one_column_left, "Check code", "answer in a wrong column"),
        (one_column_right, "Comment", "answer in a wrong column"),
        (beside_the_table, "Q", "stands beside the table"),
        (into_the_value, "Value", "No value is taken from this workbook"),
        (into_the_value_and_answered, "Value", "No value is taken from this workbook"),
        (over_the_label, "Registry field", "this cell was changed"),
        (shift_after_a_sort, "", "asked about another place"),
        (shift_one_row, "", "asked about another place"),
    ],
)
def test_an_answer_in_the_wrong_place_is_refused_at_its_cell(desk, change, column, words):
    send(desk, "march")
    with pytest.raises(errors.AnswerError) as caught:
        take(desk, change)
    assert words in caught.value.en
    row = next(int(row["No."]) + 4 for row in list_queries(find_workbook(desk)) if row["Value"] == "134")
    assert f"changed.xlsx / 质疑 Queries, row {row}, column '{column}" in caught.value.en
    assert desk.read("answers").is_empty()


@pytest.mark.parametrize("word", ["已核实", "对", "√", "confirmed", "是", "134"])
@pytest.mark.parametrize("column", ["Answer", "Comment"])
def test_a_word_in_place_of_the_choice_is_not_guessed(desk, word, column):
    send(desk, "march")

    def write_word(heads, rows):
        find_row(heads, rows, "134")[heads.index(column)] = word

    if (word, column) == ("134", "Comment"):
        assert take(desk, write_word).typed_values == 1
        return
    with pytest.raises(errors.AnswerError, match=f"column '{column}': "):
        take(desk, write_word)


def test_an_answer_merged_over_several_rows_is_refused(desk):
    send(desk, "march")
    rows = list_queries(find_workbook(desk))
    path = desk.extracts / "answers" / "merged.xlsx"
    path.parent.mkdir()
    book = CalamineWorkbook.from_path(str(find_workbook(desk))).get_sheet_by_index(1).to_python(skip_empty_area=False)
    with xlsxwriter.Workbook(str(path)) as out:
        page = out.add_worksheet("质疑 Queries")
        for r, row in enumerate(book):
            page.write_row(r, 0, row)
        column = [*rows[0]].index("Answer")
        page.merge_range(4, column, 3 + len(rows), column, NOT_AVAILABLE)
    with pytest.raises(errors.AnswerError, match="row 5, column 'Answer': this cell is merged"):
        desk.ingest()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_workbook_saved_as_text_is_taken(desk, encoding):
    send(desk, "march")
    filled = reply(desk, "134")
    sheet = CalamineWorkbook.from_path(str(filled)).get_sheet_by_index(1).to_python(skip_empty_area=False)
    filled.unlink()
    quoted = [",".join('"' + str(cell).removesuffix(".0").replace('"', '""') + '"' for cell in row) for row in sheet]
    (desk.extracts / "answers" / "back.csv").write_bytes("\r\n".join(quoted).encode(encoding))
    summary = desk.ingest()
    assert (summary.answers, summary.confirmed) == (1, 1)


def test_another_copy_in_the_folder_of_the_workbook_is_taken(desk):
    """Saved by another name where it lay, as spreadsheet programs offer."""
    send(desk, "march")
    reply(desk, "134").rename(find_workbook(desk).with_name("queries - 副本.xlsx"))
    assert desk.ingest().confirmed == 1


def test_two_peoples_copies(desk):
    send(desk, "march")
    reply(desk, "134", name="a.xlsx", by="DM 1")
    reply(desk, "2.5", name="b.xlsx", by="DM 2")
    question = find_question(desk, "134")["Query id"]
    answer(
        desk.extracts / "answers" / "b.xlsx",
        desk.extracts / "answers" / "c.xlsx",
        {question: (CORRECTED, "")},
        by="DM 2",
    )
    (desk.extracts / "answers" / "b.xlsx").unlink()
    with pytest.raises(errors.AnswerError) as caught:
        desk.ingest()
    assert "c.xlsx / 质疑 Queries" in caught.value.en
    assert "another copy answers this query otherwise (a.xlsx" in caught.value.en
    (desk.extracts / "answers" / "a.xlsx").unlink()
    assert desk.ingest().answers == 2
    # The same answer in a further copy is taken once; a bare comment beside a choice leaves the choice standing.
    reply(desk, "300", name="d.xlsx", by="DM 1")
    reply(desk, "300", name="e.xlsx", choice="", comment="weighed twice", by="DM 2")
    assert desk.ingest().confirmed == 2
    assert read_loaded(desk)[3][0] == 300.0


def change_a_value(heads, rows):
    find_row(heads, rows, "134")[heads.index("Value")] = "67"


def write_below(_heads, rows):
    rows.append(["filled in by the nurse"])


def write_nonsense(heads, rows):
    find_row(heads, rows, "134")[heads.index("Answer")] = "对"


def change_nothing(_heads, _rows):
    """Opened and saved: other bytes, the same cells."""


@pytest.mark.parametrize(
    "change", [change_a_value, write_below, write_nonsense, change_nothing, one_column_left, beside_the_table]
)
def test_a_workbook_changed_anywhere_is_never_overwritten(desk, change):
    send(desk, "march")
    change_cells(find_workbook(desk), find_workbook(desk).with_name("new.xlsx"), change).replace(find_workbook(desk))
    content = find_workbook(desk).read_bytes()
    write_quality(desk.settings)
    assert [path.read_bytes() for path in (desk.extracts / "answers").iterdir()] == [content]
    assert find_workbook(desk).read_bytes() != content


def test_a_copy_that_cannot_be_read_back_keeps_the_workbook(desk, monkeypatch):
    send(desk, "march")
    change_cells(find_workbook(desk), find_workbook(desk).with_name("new.xlsx"), write_below).replace(
        find_workbook(desk)
    )
    content = find_workbook(desk).read_bytes()
    original = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda self: original(self)[:-1] if self.suffix == ".part" else original(self)
    )
    with pytest.raises(errors.NotKeptError):
        write_quality(desk.settings)
    monkeypatch.undo()
    assert find_workbook(desk).read_bytes() == content
