"""At the hospital: its own patient number beside each question, found by place, and never another's."""

import shutil
import stat

import clinic
import polars as pl
import pytest
import xlsxwriter
from answered_workbook import CONFIRMED, answer, list_queries, read_heads
from conftest import Desk
from python_calamine import CalamineWorkbook

from analysis import cli
from etl import errors
from etl.publish import write_quality
from etl.quality.answer_words import LOCATED_MARK
from etl.quality.locate import locate
from etl.settings import Settings

FAULTY = clinic.PATIENTS.replace(",82,", ",260,").replace("1955/12/31", "New Year's Eve").replace(",120,", ",250,")
FAULTY_LABS = clinic.LABS.replace("3.1", "nil")
ADDS = clinic.SITE.replace('name_zh = "测试医院"', 'name_zh = "测试医院"\ndeliveries = "additions"')


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A delivery that was loaded, its workbook, and the desk."""
    folder = tmp_path_factory.mktemp("asked")
    clinic.write_site(folder / "workspace" / "sites" / "clinic")
    desk = Desk(Settings(folder / "workspace", folder / "key", "both"))
    delivery = clinic.write_delivery(folder / "march", patients=FAULTY, labs=FAULTY_LABS)
    return desk, delivery, ask(desk, folder, delivery)


@pytest.fixture
def sent(asked, tmp_path):
    """The delivery and a copy of its workbook, alone in a folder."""
    (tmp_path / "sent").mkdir()
    return asked[1], shutil.copy(asked[2], tmp_path / "sent" / "queries.xlsx")


@pytest.fixture
def home(tmp_path):
    """The hospital's own machine: its mapping, no database and no key."""
    clinic.write_site(tmp_path / "home" / "sites" / "clinic")
    return Settings(tmp_path / "home", tmp_path / "there is no key", "en")


def ask(desk, tmp_path, delivery, name="queries.xlsx"):
    """Load a delivery and take its query workbook out of the house."""
    desk.ingest(delivery)
    write_quality(desk.settings)
    sent = tmp_path / "sent" / name
    sent.parent.mkdir(exist_ok=True)
    return shutil.copy(desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx", sent)


def read_copy(path):
    """[(patient number, row in the workbook, file, row, why there is none)] of a copy."""
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    start = next(i for i, row in enumerate(rows) if "Your patient number" in read_heads(row))
    heads = read_heads(rows[start])
    wanted = ("Your patient number", "Row in the query workbook", "File", "Row", "Why there is none")
    return [tuple(dict(zip(heads, row, strict=True))[name] for name in wanted) for row in rows[start + 1 :]]


def expect(workbook, order=("001", "002", "003")):
    """What must stand beside each question: the number in that line of the clinic's text files."""
    return [order[int(query["Row"]) - 2] for query in list_queries(workbook)]


def test_each_question_gets_the_number_of_its_row(sent, home, tmp_path):
    delivery, workbook = sent
    done = locate(home, workbook, [delivery])
    assert [row[0] for row in read_copy(done.path)] == expect(workbook)
    assert len({row[0] for row in read_copy(done.path)}) == 3
    assert (done.n_found, list(done.without)) == (len(expect(workbook)), [])
    assert done.path.parent == workbook.parent
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert [p.name for p in workbook.parent.iterdir() if p.name.startswith(".")] == []
    with pytest.raises(errors.UsageError, match="is there already"):
        locate(home, workbook, [delivery])


def test_workbooks_of_excel_with_renamed_files_and_folders(desk, home, tmp_path):
    rows = [line.split(",") for line in FAULTY.splitlines()]
    clinic.write_site(
        desk.settings.workspace / "sites" / "clinic",
        site=clinic.SITE.split('[[source]]\nname = "labs"')[0].replace("patients*.csv", "*.xlsx"),
        columns="\n".join(x for x in clinic.COLUMNS.splitlines() if not x.startswith("labs")) + "\n",
    )
    shutil.copytree(desk.settings.workspace / "sites", home.workspace / "sites", dirs_exist_ok=True)
    (tmp_path / "out").mkdir()
    delivery = clinic.write_workbook(tmp_path / "out" / "data.xlsx", rows)
    workbook = ask(desk, tmp_path, delivery)
    renamed = tmp_path / "archive" / "2026"
    renamed.mkdir(parents=True)
    shutil.copy(delivery, renamed / "三月.xlsx")
    for n, given in enumerate((delivery, renamed / "三月.xlsx", renamed)):
        own = shutil.copy(workbook, workbook.with_name(f"q{n}.xlsx"))
        assert [row[0] for row in read_copy(locate(home, own, [given]).path)] == expect(workbook)


def test_a_wrong_delivery_is_refused(sent, home, tmp_path):
    delivery, workbook = sent
    other = clinic.write_delivery(
        tmp_path / "other", patients=FAULTY.replace("002,李小四", "009,李小四"), labs=FAULTY_LABS
    )
    for given in ([other], [delivery, other], [delivery / "patients.csv"]):
        with pytest.raises(errors.DeliveryError, match="Nothing was written"):
            locate(home, workbook, given)
    nowhere = Settings(tmp_path / "no mapping", home.key_file, "en")
    with pytest.raises(errors.DeliveryError, match="mapping is not here"):
        locate(nowhere, workbook, [delivery])
    assert [p.name for p in workbook.parent.iterdir()] == ["queries.xlsx"]


def test_two_files_that_changed_names_are_another_delivery(desk, home, tmp_path):
    """Their bytes together are the same, and each row would be another patient's."""
    site = clinic.SITE.replace('file = "patients*.csv"', 'file = "patients.csv"')
    more = site + '[[source]]\nname = "old"\nfile = "old.csv"\nheader_row = 1\n'
    columns = clinic.COLUMNS + "".join(
        line.replace("patients,", "old,", 1) + "\n"
        for line in clinic.COLUMNS.splitlines()
        if line.startswith("patients,")
    )
    for settings in (desk.settings, home):
        clinic.write_site(settings.workspace / "sites" / "clinic", site=more, columns=columns)
    delivery = clinic.write_delivery(desk.extracts / "march", patients=FAULTY, labs=clinic.LABS)
    others = FAULTY.replace("001,", "101,").replace("002,", "102,").replace("003,", "103,")
    (delivery / "old.csv").write_text(others, encoding="utf-8")
    workbook = ask(desk, tmp_path, delivery)
    swapped = clinic.write_delivery(tmp_path / "swapped", patients=others, labs=clinic.LABS)
    (swapped / "old.csv").write_text(FAULTY, encoding="utf-8")
    with pytest.raises(errors.DeliveryError, match="have other names"):
        locate(home, workbook, [swapped])
    found = {(row[2], row[0][0]) for row in read_copy(locate(home, workbook, [delivery]).path)}
    assert found >= {("patients.csv", "0"), ("old.csv", "1")}
    assert not found & {("patients.csv", "1"), ("old.csv", "0")}


def test_rows_that_were_changed_have_no_number_and_say_so(sent, home, tmp_path):
    delivery, workbook = sent
    changed = tmp_path / "changed.xlsx"
    expected, n = expect(workbook), 0
    book = CalamineWorkbook.from_path(str(workbook))
    with xlsxwriter.Workbook(str(changed)) as out:
        for name in book.sheet_names:
            page, heads = out.add_worksheet(name), []
            for r, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False)):
                cells = list(row)
                if heads and any(cells):
                    n += 1
                    if n == 1:  # somebody typed another row number
                        cells[heads.index("Row")] = float(cells[heads.index("Row")]) % 3 + 2
                    if n == 2:  # pasted another file's name
                        cells[heads.index("File")] = (
                            "labs.csv" if cells[heads.index("File")] != "labs.csv" else "patients.csv"
                        )
                    if n == 3:  # a workbook of an earlier version
                        cells[heads.index("Check code")] = ""
                for c, cell in enumerate(cells):
                    page.write(r, c, cell)
                heads = heads or (read_heads(row) if "Query id" in read_heads(row) else [])
    done = locate(home, changed, [delivery])
    rows = read_copy(done.path)
    assert [row[0] for row in rows] == ["", "", "", *expected[3:]]
    assert ["a cell of this row was changed" in row[4] for row in rows[:3]] == [True, True, False]
    assert "no check code" in rows[2][4]
    assert [number for number, _ in done.without] == [5, 6, 7]


def test_sorted_whole_and_saved_as_text_it_is_the_same(sent, home, tmp_path):
    delivery, workbook = sent
    rows = CalamineWorkbook.from_path(str(workbook)).get_sheet_by_index(1).to_python(skip_empty_area=False)
    start = next(i for i, row in enumerate(rows) if "Query id" in read_heads(row))
    table = pl.DataFrame(
        [[str(c) for c in row] for row in [*reversed(rows[start + 1 :])]],
        schema=[str(h) for h in rows[start]],
        orient="row",
    )
    saved = tmp_path / "saved.csv"
    table.write_csv(saved)
    assert [row[0] for row in read_copy(locate(home, saved, [delivery]).path)] == expect(workbook)[::-1]


@pytest.mark.parametrize("names", [("jan", "feb"), ("a/data", "b/data")])
def test_rows_of_additions_come_from_earlier_deliveries(desk, home, tmp_path, names):
    """Also where each delivery bears the same name: the record tells which brought it."""
    for settings in (desk.settings, home):
        clinic.write_site(settings.workspace / "sites" / "clinic", site=ADDS)
    first = clinic.write_delivery(tmp_path / names[0], patients=FAULTY, labs=FAULTY_LABS)
    ask(desk, tmp_path, first, "first.xlsx")
    header, *lines = FAULTY.splitlines()
    patients = "\n".join([header, *(line.replace("00", "10", 1) for line in lines[:2]), lines[2]])
    second = clinic.write_delivery(
        tmp_path / names[1], patients=patients, labs=FAULTY_LABS.replace("001,", "101,").replace("002,", "102,")
    )
    workbook = ask(desk, tmp_path, second)
    only = locate(home, shutil.copy(workbook, tmp_path / "only.xlsx"), [second])
    done = locate(home, workbook, [first, second])
    found, of_second = read_copy(done.path), read_copy(only.path)
    assert {row[0] for row in found} >= {"001", "002", "101", "102", "003"}
    assert {row[0] for row in of_second} - {""} <= {"101", "102", "003"}
    assert len(only.without) > len(done.without)
    by_pseudonym = dict(desk.read("marts.finding").select("finding_id", "patient_id").iter_rows())
    numbers = {}
    for row, query in zip(found, list_queries(workbook), strict=True):
        if row[0] and by_pseudonym[query["Query id"]]:
            numbers.setdefault(by_pseudonym[query["Query id"]], set()).add(row[0])
    assert numbers
    assert all(len(own) == 1 for own in numbers.values())  # one number a pseudonym, whichever delivery brought the row
    assert len({next(iter(own)) for own in numbers.values()}) == len(numbers)


def test_a_copy_is_never_taken_for_an_answered_workbook(asked, sent, home):
    desk, (delivery, workbook) = asked[0], sent
    copy = locate(home, workbook, [delivery]).path
    answers = desk.extracts / "answers"
    answers.mkdir(parents=True)
    shutil.copy(copy, answers / "answered.xlsx")
    with pytest.raises(errors.AnswerError, match="it names patients and is never read back") as refused:
        desk.ingest(delivery)
    assert "不会被读取" in refused.value.zh
    mine = (answers / "answered.xlsx").replace(desk.settings.reports_dir / "quality" / "clinic" / "mine.xlsx")
    with pytest.raises(errors.AnswerError, match="it names patients"):
        desk.ingest(delivery)
    mine.unlink()
    # Its mark pasted into a workbook that is answered: refused too.
    pasted = answer(workbook, answers / "pasted.xlsx", {"size": (CONFIRMED, LOCATED_MARK)})
    with pytest.raises(errors.AnswerError, match="it names patients"):
        desk.ingest(delivery)
    pasted.unlink()
    with pytest.raises(errors.AnswerError, match="it names patients"):
        locate(home, copy, [delivery])
    with pytest.raises(errors.RegistryError):
        desk.ingest(copy)
    assert desk.read("answers").is_empty()


def test_nothing_with_patient_numbers_is_written_into_a_workspace(asked):
    desk, delivery, _ = asked
    inside = desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"
    with pytest.raises(errors.UsageError, match="Copy the workbook to a folder"):
        locate(desk.settings, inside, [delivery])


def test_by_command(sent, home, tmp_path, monkeypatch, capsys):
    delivery, workbook = sent
    monkeypatch.setenv("WORKSPACE", str(home.workspace))
    monkeypatch.setenv("REGISTRY_KEY_FILE", str(home.key_file))
    monkeypatch.setenv("REGISTRY_LANG", "en")

    def run(*words):
        code = cli.run(lambda: ["locate", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out + told.err

    assert run(workbook)[0] == 2
    code, told = run(workbook, "--delivery", delivery)
    assert (code, "NAMES PATIENTS: only your account may read it" in told) == (0, True)
    assert not any(number in told for number in ("001", "002", "003"))
    assert not home.key_file.exists()
    assert not home.warehouse_path.exists()
    monkeypatch.setenv("REGISTRY_LANG", "zh")
    code, told = run(tmp_path / "none.xlsx", "--delivery", delivery, "--delivery", delivery)
    assert (code, "找不到" in told) == (11, True)
