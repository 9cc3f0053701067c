"""The manuscript of a study: title page, abstracts, methods, results, statements, references, tables and figures; and its supplement.

`manuscript_numbers.csv` lists every number of both documents in their order, each with the name of its result.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from analysis.figures.style import Drawing
from analysis.report.abstract import conclude, write_abstract, write_abstract_zh
from analysis.report.citing import number_references, read_references
from analysis.report.design import list_hospitals, list_open, write_design
from analysis.report.ethics import write_ethics
from analysis.report.methods import PUBLISHED_MODELS, write_methods
from analysis.report.narrative import write_narrative
from analysis.report.page import FIRST_SCREEN, SECTIONS
from analysis.report.word import Label, Numbering, WordWriter
from analysis.study.results import Results, name_origin
from analysis.study.spec import StudySpec
from analysis.tables.model import (
    CallOut,
    Cell,
    Number,
    Open,
    Part,
    ReportTable,
    build_tables,
    join_rows,
    name_hospitals,
    text,
)
from schemas.package_data import find_data

FIRST = "Abstract"
"""The heading behind the title page."""
MAIN, SUPPLEMENT = "manuscript", "supplement"
TABLES_OF_TEXT = ("table1", "survival", "pairwise", "adverse_events")
GROUPS_OF_TEXT = ("regression", "subgroup", "response")
"""Tables by name, and by its first word, that stand in the manuscript; all others are its supplement."""
FIGURES_OF_TEXT = ("flow_chart", "kaplan_meier", "sensitivity", "forest_subgroups")
STATEMENTS = {
    "registration": "Registration",
    "deviations": "Deviations from the protocol",
    "lock": "Data lock",
    "ethics": "Ethics approval",
    "consent": "Consent",
    "funding": "Funding",
    "interests": "Competing interests",
    "contributions": "Contributions",
    "data_sharing": "Data sharing",
}
Named = TypeVar("Named", ReportTable, Drawing)
Sections = Sequence[tuple[str, Sequence[Cell]]]


def write_manuscript(
    folder: Path, results: Results, drawings: Sequence[Drawing], spec: StudySpec, manifest: Mapping[str, Any]
) -> Path:
    """Write `manuscript.docx`, `supplement.docx` and `manuscript_numbers.csv` beside the study's `figures/`; returns the manuscript's path."""
    tables = [*name_hospitals(_choose_tables(results, spec), list_hospitals(manifest)), *_make_checklists()]
    order = [*SECTIONS, FIRST_SCREEN]
    pictures = sorted(drawings, key=lambda drawing: order.index(drawing.section))
    text_of_main = _write_text(results, spec, manifest)
    cells = [cell for _, sections in text_of_main for _, paragraphs in sections for cell in paragraphs]
    tables, pictures = _order_by_mention(tables, cells), _order_by_mention(pictures, cells)
    labels = _number(tables, pictures, spec)
    numbering = Numbering(labels, number_references(cells))
    is_synthetic = bool(manifest["is_synthetic"])
    main, supplement = (
        WordWriter(name, numbering, spec.publication.spelling, is_synthetic=is_synthetic) for name in (MAIN, SUPPLEMENT)
    )
    _write_title_page(main, spec, manifest)
    for title, sections in text_of_main:
        main.add_section(title, sections, is_on_new_page=title == FIRST)
    main.add_heading("References")
    main.add_references([read_references()[name] for name in numbering.references])
    _write_contents(supplement, spec, tables, pictures, labels)
    for writer in (main, supplement):
        _add_tables_and_figures(writer, folder, tables, pictures, labels)
    _save_numbers(folder / "manuscript_numbers.csv", (main, supplement), is_synthetic=is_synthetic)
    supplement.save(folder / "supplement.docx")
    return main.save(folder / "manuscript.docx")


def _write_text(results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> list[tuple[str, Sections]]:
    """The text in its order: headings, each with headings below it and their paragraphs."""
    methods: Sections = [
        *write_design(results, spec, manifest),
        ("Statistical analysis", write_methods(results, spec, manifest)),
    ]
    said: dict[str, tuple[Part, ...]] = {name: (part,) for name, part in list_open(spec, manifest).items()}
    said["ethics"] = write_ethics(spec.publication.ethics, manifest)
    statements = [(STATEMENTS[name], [text(*parts)]) for name, parts in said.items()]
    return [
        (FIRST, write_abstract(results, spec, manifest)),
        ("摘要", write_abstract_zh(results, spec, manifest)),
        ("Introduction", [("", [text(Open("background, reason and objectives"))])]),
        ("Methods", methods),
        ("Results", write_narrative(results, spec)),
        ("Discussion", [("", [text(Open("key results, other evidence, limitations, generalisability"))])]),
        ("Conclusions", [("", [conclude(results, spec)])]),
        ("Statements", statements),
    ]


def _write_title_page(writer: WordWriter, spec: StudySpec, manifest: Mapping[str, Any]) -> None:
    """Who, where and how long: what only people can say is left open, and highlighted."""
    publication = spec.publication
    writer.add_title(spec.title)
    lines = {
        "Running title": publication.short_title or Open("at most 50 characters"),
        "Authors": "; ".join(publication.authors) or Open("authors with their affiliations"),
        "Hospitals": "; ".join(item["name_en"] for item in list_hospitals(manifest)),
        "Correspondence": publication.correspondence or Open("name, address, e-mail"),
        "Key words": "; ".join(publication.keywords) or Open("three to six"),
        "中文题目": publication.title_zh or Open("Chinese title"),
    }
    for name, part in lines.items():
        writer.add_paragraph(text(f"{name}: ", part), "Title page")
    writer.number_lines()


def _choose_tables(results: Results, spec: StudySpec) -> list[ReportTable]:
    """What was printed elsewhere stands in the report; of it the supplement has the models, beside those that a p-value chose."""
    tables = build_tables(results, spec)
    return [table for table in tables if table.section != "published" or table.name.startswith(PUBLISHED_MODELS)]


def _is_of_text(name: str, spec: StudySpec) -> bool:
    """Whether a table stands in the manuscript itself; of the responses those of the cohort in which arms are compared."""
    if name.startswith("response"):
        return name == f"response_{spec.main_cohort}"
    group = name.split("_", maxsplit=1)[0]
    return name in TABLES_OF_TEXT or (group in GROUPS_OF_TEXT and not name.startswith("regression_selected"))


def _order_by_mention(items: Sequence[Named], cells: Sequence[Cell]) -> list[Named]:
    """Tables or figures in the order in which the text mentions them first; those that it does not mention last."""
    mentions = [name for cell in cells for part in cell.parts if isinstance(part, CallOut) for name in part.names]
    places = {name: place for place, name in reversed(list(enumerate(mentions)))}
    return sorted(items, key=lambda item: places.get(find_first_page(item.name), len(mentions)))


def _write_contents(
    writer: WordWriter,
    spec: StudySpec,
    tables: Sequence[ReportTable],
    drawings: Sequence[Drawing],
    labels: Mapping[str, Sequence[Label]],
) -> None:
    """The title of the supplement and the list of what is in it."""
    writer.add_title(f"Supplement: {spec.title}")
    titles = {("Table", item.name): item.title for item in tables}
    titles |= {("Figure", item.name): item.caption.en for item in drawings}
    own = {(label.kind, label.name): label for known in labels.values() for label in known}
    for key, title in titles.items():
        if own[key].document == writer.name:
            writer.add_paragraph(text(f"{own[key].kind} {own[key].number}. {title}"), "Contents", "Note")


def _number(tables: Sequence[ReportTable], drawings: Sequence[Drawing], spec: StudySpec) -> dict[str, list[Label]]:
    """The labels of every table and figure by its name; one name may be both."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    labels: dict[str, list[Label]] = defaultdict(list)
    named = [("Table", table.name, _is_of_text(table.name, spec)) for table in tables]
    named += [("Figure", drawing.name, drawing.name.startswith(FIGURES_OF_TEXT)) for drawing in drawings]
    for kind, name, is_of_text in named:
        document = MAIN if is_of_text else SUPPLEMENT
        counts[kind, document] += 1
        number = f"{'' if is_of_text else 'S'}{counts[kind, document]}"
        labels[find_first_page(name)].append(Label(kind, number, document, name))
    return labels


def find_first_page(name: str) -> str:
    """The name by which a figure of several pages is mentioned: that of its first page."""
    return name.partition("-")[0]


def _add_tables_and_figures(
    writer: WordWriter,
    folder: Path,
    tables: Sequence[ReportTable],
    drawings: Sequence[Drawing],
    labels: Mapping[str, Sequence[Label]],
) -> None:
    """Those of one document, tables first."""
    own = {
        (label.kind, label.name): label for known in labels.values() for label in known if label.document == writer.name
    }
    shown = [table for table in tables if ("Table", table.name) in own]
    if shown:
        writer.start_section(is_landscape=writer.is_landscape(shown[0]))
    for table in shown:
        writer.add_table(table, own["Table", table.name])
    for drawing in drawings:
        if label := own.get(("Figure", drawing.name)):
            writer.add_figure(folder / "figures" / f"{drawing.name}.png", drawing, label)


def _make_checklists() -> list[ReportTable]:
    """STROBE and RECORD, each item with where the manuscript answers it (von Elm 2007, Benchimol 2015)."""
    with find_data("analysis.report", "checklists.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        ReportTable(
            f"checklist_{name.lower()}",
            "methods",
            f"{name} checklist",
            f"{name} 清单",
            ("Item", "What it asks for", "Where"),
            join_rows(
                [[text(row[key]) for key in ("item", "asks", "place")] for row in rows if row["checklist"] == name]
            ),
            (
                "Introduction, discussion and statements are the authors' to write: their places are highlighted in the text.",
            ),
            has_sentences=True,
        )
        for name in dict.fromkeys(row["checklist"] for row in rows)
    ]


def _save_numbers(path: Path, writers: Sequence[WordWriter], *, is_synthetic: bool) -> None:
    origin = name_origin(is_synthetic=is_synthetic)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["document", "position", "place", "text", "kind", "result_id", "data_origin"])
        for writer in writers:
            for position, (place, number) in enumerate(writer.numbers, start=1):
                lines.writerow([writer.name, position, place, *_describe(number), origin])


def _describe(number: Number) -> tuple[str, str, str]:
    return number.text, number.kind, number.result_id
