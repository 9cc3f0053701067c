"""The manuscript walks back to the results, number by number, and says the same bytes on every run."""

import csv
import re

import polars as pl
import pytest
from docx import Document
from docx.oxml.ns import qn

from analysis.report.manuscript import RESULT_STYLE
from analysis.run import run_study
from analysis.study.numbers import format_number, prettify
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from etl.pages.synthetic_marks import IN_MANUSCRIPTS

# What the sentences say with digits that are no results: limits, times and levels of the study's own definition.
OWN_WORDS = re.compile(r"95 % CI|PD-1|[Aa]t \d+ months|grade \d-\d|[≤>]\d+|Grade \d")
LABELS = [prettify(item.label) for item in read_study("len_vs_sora").sensitivity]
"""Names of analyses that a specification gives, numbers and all."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("reports") / "analysis"
    run_study(frames, read_study("len_vs_sora"), folder, {"ingests": [1, 2, 3]}, for_journal=True)
    return folder


@pytest.fixture(scope="module")
def document(folder):
    return Document(str(folder / "manuscript.docx"))


def is_result(run):
    style = run.find(f"{qn('w:rPr')}/{qn('w:rStyle')}")
    return style is not None and style.get(qn("w:val")) == RESULT_STYLE


def read_text(run):
    return "".join(node.text or "" for node in run.iter(qn("w:t")))


def read_numbers(folder):
    with (folder / "manuscript_numbers.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_number_of_the_document_is_listed_with_its_result(folder, document):
    printed = [read_text(run) for run in document.element.body.iter(qn("w:r")) if is_result(run)]
    numbers = read_numbers(folder)
    assert [number["text"] for number in numbers] == printed
    assert len(printed) > 1000
    results = Results(pl.read_parquet(folder / "results.parquet"))
    for number in numbers:
        assert number["text"] == format_number(results.named(number["result_id"])["value"], number["kind"])
        assert number["data_origin"] == "synthetic"


def test_the_sentences_hold_no_number_of_their_own(document):
    paragraphs = document.paragraphs
    start = next(i for i, p in enumerate(paragraphs) if p.text == "Results" and p.style.name == "Heading 1")
    end = next(i for i, p in enumerate(paragraphs) if p.style.name == "Caption")
    for paragraph in paragraphs[start:end]:
        words = "".join(read_text(run) for run in paragraph._p.iter(qn("w:r")) if not is_result(run))
        for label in LABELS:
            words = words.replace(label, "")
        assert not re.search(r"\d", OWN_WORDS.sub("", words)), words


def test_cells_of_tables_that_are_no_results_hold_no_decimal_number(document):
    for table in document.tables:
        for run in table._tbl.iter(qn("w:r")):
            if not is_result(run):
                assert not re.search(r"\d\.\d", read_text(run)), read_text(run)


def test_tables_and_figures_are_numbered_and_captioned_in_order(document):
    captions = [p for p in document.paragraphs if p.style.name == "Caption"]
    labels = [re.match(r"(Table|Figure) (\d+)\. \S", "".join(map(read_text, p._p.iter(qn("w:r"))))) for p in captions]
    assert all(labels)
    for kind, n in (("Table", len(document.tables)), ("Figure", len(document.inline_shapes))):
        assert [int(label[2]) for label in labels if label and label[1] == kind] == list(range(1, n + 1))
        assert n >= 7
    fields = [field.get(qn("w:instr")) for field in document.element.body.iter(qn("w:fldSimple"))]
    assert len(fields) == len(captions)


def test_every_page_says_that_the_patients_are_invented(document):
    assert document.sections[0].header.paragraphs[0].text == IN_MANUSCRIPTS
    assert all(section.header.is_linked_to_previous for section in list(document.sections)[1:])


def test_abbreviations_are_spelled_out_below_the_table(document):
    notes = [p.text for p in document.paragraphs if p.style.name == "Note" and p.text.startswith("Abbreviations")]
    assert any("HR, hazard ratio" in note and "CI, confidence interval" in note for note in notes)
    assert any("SD, stable disease" in note for note in notes)


def test_the_document_is_the_same_bytes_on_every_run(folder, tmp_path, frames):
    run_study(frames, read_study("len_vs_sora"), tmp_path / "again", {"ingests": [1, 2, 3]}, for_journal=True)
    names = [f"figures/{path.name}" for path in (folder / "figures").iterdir()]
    for name in ("manuscript.docx", "manuscript_numbers.csv", *names):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_pictures_for_a_journal_have_600_dpi(folder):
    from PIL import Image

    paths = sorted((folder / "figures").glob("*.tiff"))
    assert [path.stem for path in paths] == sorted(path.stem for path in (folder / "figures").glob("*.png"))
    for path in paths:
        with Image.open(path) as picture:
            assert picture.mode == "RGB"
            assert picture.info["dpi"] == (600, 600)
