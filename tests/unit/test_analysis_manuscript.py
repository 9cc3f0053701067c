"""The manuscript walks back to the results, number by number, and says the same bytes on every run."""

import csv
import re
from dataclasses import fields, replace

import polars as pl
import pytest
from docx import Document
from docx.oxml.ns import qn

from analysis.report.typography import typeset
from analysis.report.word import RESULT_STYLE
from analysis.run import run_study
from analysis.study.numbers import format_number, prettify
from analysis.study.publication import Publication
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from etl.pages.synthetic_marks import IN_MANUSCRIPTS
from schemas.package_data import find_data

# What the sentences say with digits that are no results: limits, times and levels of the study's own definition.
OWN_WORDS = re.compile(
    r"95% CI|PD\u2011\d|[Aa]t \d+\xa0months|grade \d–\d|Grade \d–\d|[≤>]\d+|Grade \d|per 100\xa0patient-months|1:\d|\(E\d\)|\(X\d\)|\(I\d\)|\d(–\d)?级|至少\d个月|\d个月内"
)
ANALYSES = read_study("len_vs_sora").sensitivity
LABELS = [typeset(prettify(label)) for item in ANALYSES for label in (item.label, item.label_zh)]
LABELS.sort(key=len, reverse=True)
"""Names of analyses that a specification gives, numbers and all."""
DOCUMENTS = ("manuscript", "supplement")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("reports") / "analysis"
    run_study(frames, read_study("len_vs_sora"), folder, {"ingests": [1, 2, 3]}, for_journal=True)
    return folder


@pytest.fixture(scope="module")
def documents(folder):
    return {name: Document(str(folder / f"{name}.docx")) for name in DOCUMENTS}


@pytest.fixture(scope="module")
def document(documents):
    return documents["manuscript"]


def is_result(run):
    style = run.find(f"{qn('w:rPr')}/{qn('w:rStyle')}")
    return style is not None and style.get(qn("w:val")) == RESULT_STYLE


def read_text(run):
    return "".join(node.text or "" for node in run.iter(qn("w:t")))


def read_numbers(folder, document):
    with (folder / "manuscript_numbers.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["document"] == document]


def read_words(paragraph):
    """The text of a paragraph as a reader sees it: fields, too."""
    return "".join(read_text(run) for run in paragraph._p.iter(qn("w:r")))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_number_of_a_document_is_listed_with_its_result(folder, documents, name):
    body = documents[name].element.body
    printed = [read_text(run) for run in body.iter(qn("w:r")) if is_result(run)]
    numbers = read_numbers(folder, name)
    assert [number["text"] for number in numbers] == printed
    assert len(printed) > 500
    results = Results(pl.read_parquet(folder / "results.parquet"))
    for number in numbers:
        assert number["text"] == format_number(results.named(number["result_id"])["value"], number["kind"])
        assert number["data_origin"] == "synthetic"


def list_sections(document):
    """The paragraphs below each heading of the first order."""
    found, title = {}, ""
    for paragraph in document.paragraphs:
        if paragraph.style.name == "Heading 1":
            title = paragraph.text
        found.setdefault(title, []).append(paragraph)
    return found


@pytest.mark.parametrize("title", ["Abstract", "摘要", "Results", "Conclusions"])
def test_the_sentences_hold_no_number_of_their_own(document, title):
    for paragraph in list_sections(document)[title]:
        runs = [run for run in paragraph._p.iter(qn("w:r")) if not is_result(run)]
        in_fields = {id(run) for field in paragraph._p.iter(qn("w:fldSimple")) for run in field.iter(qn("w:r"))}
        words = "".join(read_text(run) for run in runs if id(run) not in in_fields)
        words = re.sub(r"(Table|Figure)\xa0S?\d+", "", words)
        for label in LABELS:
            words = words.replace(label, "")
        assert not re.search(r"\d", OWN_WORDS.sub("", words)), words


def test_cells_of_tables_that_are_no_results_hold_no_decimal_number(documents):
    tables = [table for document in documents.values() for table in document.tables]
    for table in tables:
        header = " ".join(cell.text for cell in table.rows[0].cells)
        if "as printed" in header or header.startswith("Item "):  # printed elsewhere, or the number of an item
            continue
        for run in table._tbl.iter(qn("w:r")):
            if not is_result(run):
                assert not re.search(r"\d\.\d", read_text(run)), read_text(run)


def list_captions(documents):
    """`Table 1`, `Table S2` as captions say them, by document and kind, in order."""
    found = {}
    for name, document in documents.items():
        for paragraph in document.paragraphs:
            if paragraph.style.name == "Caption" and (words := read_words(paragraph)):
                label = re.match(r"(Table|Figure)\xa0(S?\d+)\. \S", words)
                assert label, words
                found.setdefault((name, label[1]), []).append(label[2])
    return found


def test_tables_and_figures_are_numbered_and_captioned_in_order(documents):
    captions = list_captions(documents)
    for name, sign in (("manuscript", ""), ("supplement", "S")):
        shown = {"Table": len(documents[name].tables), "Figure": len(documents[name].inline_shapes)}
        for kind, n in shown.items():
            assert captions[name, kind] == [f"{sign}{number}" for number in range(1, n + 1)]
            assert n >= 3


def test_every_call_out_and_citation_leads_somewhere_and_in_the_order_of_the_text(documents):
    """A field that refers to a bookmark that is not there prints an error in Word; journals ask for numbers in order."""
    document = documents["manuscript"]
    body = document.element.body
    marks = {mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))}
    fields = [field.get(qn("w:instr")).split() for field in body.iter(qn("w:fldSimple"))]
    asked = [words[1] for words in fields if words[0] == "REF"]
    assert asked
    assert set(asked) <= marks
    text = " ".join(read_words(paragraph) for paragraph in document.paragraphs if paragraph.style.name == "Normal")
    for kind in ("Table", "Figure"):
        for sign in ("", "S"):
            mentioned = re.findall(rf"{kind}\xa0{sign}(\d+)", text)
            first = list(dict.fromkeys(map(int, mentioned)))
            assert first == list(range(1, len(first) + 1)), (kind, sign, first)
    cited = [int(number) for found in re.findall(r"\[([\d,\xa0]+)\]", text) for number in found.split(",")]
    assert list(dict.fromkeys(cited)) == list(range(1, max(cited) + 1))
    references = [
        paragraph for paragraph in list_sections(document)["References"] if re.match(r"\d+\.", read_words(paragraph))
    ]
    assert len(references) == max(cited)


def test_all_tables_and_figures_of_the_study_stand_in_one_of_the_documents(folder, documents):
    captions = list_captions(documents)
    n_figures = len(list((folder / "figures").glob("*.png")))
    assert sum(len(found) for (_, kind), found in captions.items() if kind == "Figure") == n_figures


def test_every_picture_says_what_it_shows(documents):
    for document in documents.values():
        for shape in document.inline_shapes:
            assert len(shape._inline.docPr.get("descr")) > 20


def test_what_only_people_can_say_is_open_until_they_say_it(folder, documents, frames, tmp_path):
    texts = {item.name: f"said of {item.name}" for item in fields(Publication) if item.default == ""}
    publication = Publication(**texts, authors=("A. Author",), keywords=("one", "two"))
    small = {"regression": None, "courses": None, "subgroups": (), "sensitivity": (), "grade_bands": ()}
    spec = replace(read_study("len_vs_sora"), publication=publication, **small)
    run_study(frames, spec, tmp_path / "analysis", {"ingests": []})
    full = "\n".join(map(read_words, Document(str(tmp_path / "analysis" / "manuscript.docx")).paragraphs))
    bare = "\n".join(map(read_words, documents["manuscript"].paragraphs))
    for words in (*texts.values(), "A. Author", "one; two"):
        assert words in full
    assert bare.count("[To be completed: ") > 12
    assert full.count("[To be completed: ") == 3  # the aim of the Chinese abstract, introduction and discussion


def test_the_checklists_name_headings_that_there_are(documents):
    headings = {p.text for p in documents["manuscript"].paragraphs if p.style.name.startswith("Heading")}
    with find_data("analysis.report", "checklists.csv").open(encoding="utf-8") as file:
        places = {place for row in csv.DictReader(file) for place in row["place"].split("; ")}
    for place in places:
        assert set(place.split(": ")) <= headings, place


def test_abstract_text_tables_and_first_screen_print_the_same_number_of_a_result(folder):
    """A number has one print per kind wherever it stands: in both documents and on the page."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    printed = {}
    for name in DOCUMENTS:
        for row in read_numbers(folder, name):
            printed.setdefault((row["result_id"], row["kind"]), set()).add(row["text"])
    for result_id, kind, shown in re.findall(r'data-result="([^"]+)" data-kind="([^"]+)"[^>]*>([^<]*)<', page):
        printed.setdefault((result_id, kind), set()).add(shown.replace("&lt;", "<").replace("&gt;", ">"))
    assert {key: found for key, found in printed.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_says_that_the_patients_are_invented(documents, name):
    document = documents[name]
    assert document.sections[0].header.paragraphs[0].text == IN_MANUSCRIPTS
    assert all(section.header.is_linked_to_previous for section in list(document.sections)[1:])


def test_abbreviations_are_spelled_out_below_the_table(documents):
    everything = [p for document in documents.values() for p in document.paragraphs]
    notes = [p.text for p in everything if p.style.name == "Note" and p.text.startswith("Abbreviations")]
    assert any("HR, hazard ratio" in note and "CI, confidence interval" in note for note in notes)
    assert any("SD, stable disease" in note for note in notes)


def test_the_document_is_the_same_bytes_on_every_run(folder, tmp_path, frames):
    run_study(frames, read_study("len_vs_sora"), tmp_path / "again", {"ingests": [1, 2, 3]}, for_journal=True)
    names = [f"figures/{path.name}" for path in (folder / "figures").iterdir()]
    for name in ("manuscript.docx", "supplement.docx", "manuscript_numbers.csv", *names):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_pictures_for_a_journal_have_600_dpi(folder):
    from PIL import Image

    paths = sorted((folder / "figures").glob("*.tiff"))
    assert [path.stem for path in paths] == sorted(path.stem for path in (folder / "figures").glob("*.png"))
    for path in paths:
        with Image.open(path) as picture:
            assert picture.mode == "RGB"
            assert picture.info["dpi"] == (600, 600)


def test_names_that_begin_alike_and_end_in_numbers_lead_to_their_own_tables_and_figures(frames, tmp_path):
    """Word cuts a bookmark's name at 40 signs, and `forest_os_2` could be an endpoint's first page or another's second."""
    spec = read_study("len_vs_sora")
    overall, progression = spec.endpoints
    endpoints = (
        replace(overall, id="OS", rate_times=(6,)),
        replace(progression, id="OS 2", rate_times=(6,)),
        replace(overall, id="Survival overall of everybody until the close", rate_times=(6,)),
        replace(progression, id="Survival overall of everybody until the end", rate_times=(6,)),
    )
    small = {
        "courses": None,
        "subgroups": (),
        "sensitivity": (),
        "grade_bands": (),
        "time_varying": (),
        "follow_up": None,
    }
    varied = replace(spec, folder=tmp_path, endpoints=endpoints, evaluations=(), response_alternatives=(), **small)
    run_study(frames, varied, tmp_path / "analysis", {"ingests": []})
    document = Document(str(tmp_path / "analysis" / "manuscript.docx"))
    marks = [mark.get(qn("w:name")) for mark in document.element.body.iter(qn("w:bookmarkStart"))]
    assert len(set(marks)) == len(marks)
    assert all(re.fullmatch(r"[A-Za-z]\w{0,39}", mark) for mark in marks)
    results = list_sections(document)["Results"]
    texts = [read_words(p) for p in results if "treatment and every characteristic" in read_words(p)]
    tables = [re.findall(r"Table\xa0(\d+)", text) for text in texts]
    assert len(tables) == len(endpoints)
    assert all(len(found) == 1 for found in tables)
    assert len({found[0] for found in tables}) == len(endpoints)
    captions = {
        read_words(p).partition(".")[0]: read_words(p) for p in document.paragraphs if p.style.name == "Caption"
    }
    for (number,), endpoint in zip(tables, endpoints, strict=True):
        assert endpoint.label.lower() in captions[f"Table\xa0{number}"]
