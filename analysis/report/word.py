"""A Word document in the making: styles, captions and call-outs as fields, tables, pictures, and the numbers put into it.

Every number is a run of the character style "Result"; what is left to people stands highlighted in brackets.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_COLOR_INDEX
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from analysis.figures.style import Drawing
from analysis.report.citing import Reference
from analysis.report.table_layout import lay_out, needs_landscape
from analysis.report.typography import NO_BREAK, typeset
from analysis.study.publication import Spelling
from analysis.tables.model import CallOut, Cell, Citation, Number, Open, Part, ReportTable
from etl.pages.cells import escape_hidden
from etl.pages.synthetic_marks import IN_MANUSCRIPTS

FONT, FONT_ZH = "Times New Roman", "SimSun"
RESULT_STYLE, TABLE_STYLE = "Result", "Table text"
WARNING = RGBColor(0x9A, 0x34, 0x00)
A4_CM = (21.0, 29.7)
MARGIN_CM = 2.5
NO_CLOCK = datetime(2000, 1, 1)
CAPTION_CM = 4
"""Kept free below a picture."""


@dataclass(frozen=True)
class Label:
    """What a table or figure is called, `Table 2`, and in which document it stands."""

    kind: str
    number: str
    document: str
    name: str

    @property
    def bookmark(self) -> str:
        """The place that call-outs lead to: by the number, since Word cuts longer names at 40 signs, and two may begin alike."""
        return f"{self.kind.lower()}_{self.number}"


@dataclass(frozen=True)
class Numbering:
    """The labels of tables and figures by their name, and the numbers of references by theirs."""

    labels: Mapping[str, Sequence[Label]]
    references: Mapping[str, int]


class WordWriter:
    """One document, and the numbers put into it so far: place and number."""

    def __init__(self, name: str, numbering: Numbering, spelling: Spelling, *, is_synthetic: bool) -> None:
        self.name, self.numbering = name, numbering
        self.spelling: Spelling = spelling
        self.document: DocumentObject = Document()
        self.numbers: list[tuple[str, Number]] = []
        self.n_bookmarks = 0
        self.figure_room_cm = 0.0
        _set_styles(self.document)
        # Given by its name, a style is looked for among all styles twice: for some thousand numbers, half of the time.
        self.result_style_id, self.table_style_id = (
            self.document.styles[name].style_id for name in (RESULT_STYLE, TABLE_STYLE)
        )
        first = self.document.sections[0]
        self._set_page(first, is_landscape=False)
        _add_field(_center(first.footer.paragraphs[0]), "PAGE", "1")
        if is_synthetic:
            run = _center(first.header.paragraphs[0]).add_run(IN_MANUSCRIPTS)
            run.bold, run.font.color.rgb = True, WARNING

    def number_lines(self) -> None:
        """Number the lines of the text, as editors ask; those of tables, notes and captions are told apart by their styles."""
        numbers = OxmlElement("w:lnNumType")
        numbers.set(qn("w:countBy"), "1")
        numbers.set(qn("w:restart"), "continuous")
        self.document.sections[-1]._sectPr.insert_element_before(numbers, "w:pgNumType", "w:cols", "w:docGrid")

    def add_title(self, title: str) -> None:
        """The title, on top."""
        self.document.add_heading(self._typeset(title), level=0)

    def add_heading(self, words: str, level: int = 1) -> None:
        """A heading."""
        self.document.add_heading(self._typeset(words), level=level)

    def add_paragraph(self, cell: Cell, place: str, style: str | None = None) -> None:
        """A paragraph; `place` is where its numbers are said to stand."""
        self._fill(self.document.add_paragraph(style=style), cell, place)

    def add_section(
        self, title: str, parts: Sequence[tuple[str, Sequence[Cell]]], *, is_on_new_page: bool = False
    ) -> None:
        """A heading with headings below it, each with its paragraphs."""
        self.add_heading(title)
        self.document.paragraphs[-1].paragraph_format.page_break_before = is_on_new_page or None
        for heading, paragraphs in parts:
            if heading:
                self.add_heading(heading, level=2)
            for cell in paragraphs:
                self.add_paragraph(cell, f"{title} {heading}".strip())

    def start_section(self, *, is_landscape: bool = False) -> None:
        """Begin a page of tables or figures."""
        self._set_page(self.document.add_section(WD_SECTION.NEW_PAGE), is_landscape=is_landscape)

    def add_references(self, references: Sequence[Reference]) -> None:
        """The list of references, each the place that its citations lead to."""
        for number, reference in enumerate(references, start=1):
            paragraph = self.document.add_paragraph(style="Note")
            self._add_bookmarked(paragraph, f"ref_{reference.name}", lambda: str(number), "SEQ Reference \\* ARABIC")  # noqa: B023
            doi = f" doi:{reference.doi}" if reference.doi else ""
            paragraph.add_run(f".{NO_BREAK}{reference.text}{doi}")

    def add_table(self, table: ReportTable, label: Label) -> None:
        """A table under its caption, upright or lying as its width asks for."""
        is_landscape = self.is_landscape(table)
        if (self.document.sections[-1].orientation == WD_ORIENT.LANDSCAPE) != is_landscape:
            self.start_section(is_landscape=is_landscape)
        place = self._add_caption(label, table.title)
        grid = self.document.add_table(rows=1, cols=len(table.header))
        if table.spans:
            self._add_spans(grid, table, place)
        for cell, words in zip(grid.rows[-1].cells, table.header, strict=True):
            self._fill(cell.paragraphs[0], Cell((words,)), place, is_bold=True)
        n_header = len(grid.rows)
        for row in table.rows:
            cells = grid.add_row().cells
            if len(row) == 1:
                cells[0].merge(cells[-1])
            for cell, content in zip(cells, row, strict=False):
                self._fill(cell.paragraphs[0], content, place, is_bold=content.is_heading)
        lay_out(grid, self.document.sections[-1], n_header, self.table_style_id, has_sentences=table.has_sentences)
        for note in (*table.notes, *list_abbreviations(table)):
            self.document.add_paragraph(self._typeset(note), style="Note")
        self.document.add_paragraph(style="Note")

    def is_landscape(self, table: ReportTable) -> bool:
        """Whether a table is too wide for an upright page."""
        return needs_landscape(table, A4_CM, MARGIN_CM)

    def _add_spans(self, grid: Any, table: ReportTable, place: str) -> None:
        """Fill the first row with the headings that stand above several columns, and add one below it."""
        first = 0
        for words, width in table.spans:
            cell = grid.cell(0, first)
            if width > 1:
                cell.merge(grid.cell(0, first + width - 1))
            self._fill(cell.paragraphs[0], Cell((words,)), place, is_bold=True)
            first += width
        grid.add_row()

    def add_figure(self, picture: Path, drawing: Drawing, label: Label) -> None:
        """A picture with its caption below and the same words for who cannot see it; on a new page unless there is room below the one before."""
        width, height = drawing.figure.get_size_inches()
        widest, tallest = A4_CM[0] - 2 * MARGIN_CM, A4_CM[1] - 2 * MARGIN_CM
        scale = min(widest / width, (tallest - CAPTION_CM) / height)
        needed_cm = height * scale + CAPTION_CM
        if needed_cm > self.figure_room_cm:
            self.start_section()
            self.figure_room_cm = tallest
        self.figure_room_cm -= needed_cm
        shape = self.document.add_picture(str(picture), width=Cm(width * scale))
        shape._inline.docPr.set("descr", self._typeset(drawing.alt.en))
        shown: Any = self.document.paragraphs[-1]
        shown.style, shown.paragraph_format.keep_with_next = self.document.styles["Caption"], True
        self._add_caption(label, drawing.caption.en)

    def save(self, path: Path) -> Path:
        """Write the document with the same bytes whenever it says the same."""
        properties = self.document.core_properties
        properties.author = properties.last_modified_by = properties.comments = ""
        properties.created = properties.modified = NO_CLOCK
        buffer = io.BytesIO()
        self.document.save(buffer)
        with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(
                    zipfile.ZipInfo(name, NO_CLOCK.timetuple()[:6]), source.read(name), zipfile.ZIP_DEFLATED
                )
        return path

    def _set_page(self, section: Any, *, is_landscape: bool) -> None:
        short, long = Cm(A4_CM[0]), Cm(A4_CM[1])
        section.orientation = WD_ORIENT.LANDSCAPE if is_landscape else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = (long, short) if is_landscape else (short, long)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN_CM)

    def _add_caption(self, label: Label, words: str) -> str:
        """`Table 1. Title`, its number a field that Word counts anew and call-outs lead to; returns the label in words."""
        paragraph = self.document.add_paragraph(style="Caption")
        sequence = f"SEQ {label.kind}{'S' if label.number.startswith('S') else ''} \\* ARABIC"
        prefix = f"{label.kind}{NO_BREAK}{'S' if label.number.startswith('S') else ''}"
        self._add_bookmarked(paragraph, label.bookmark, lambda: label.number.removeprefix("S"), sequence, prefix)
        paragraph.add_run(". ").bold = True
        paragraph.add_run(self._typeset(words))
        paragraph.paragraph_format.keep_with_next = label.kind == "Table"
        return f"{label.kind} {label.number}"

    def _add_bookmarked(self, paragraph: Paragraph, name: str, shown: Any, sequence: str, prefix: str = "") -> None:
        """A field between the two ends of a bookmark, with a prefix that belongs to it."""
        self.n_bookmarks += 1
        for tag in ("w:bookmarkStart", "w:bookmarkEnd"):
            mark = OxmlElement(tag)
            mark.set(qn("w:id"), str(self.n_bookmarks))
            if tag == "w:bookmarkStart":
                mark.set(qn("w:name"), name)
            paragraph._p.append(mark)
            if tag == "w:bookmarkStart":
                if prefix:
                    paragraph.add_run(prefix).bold = True
                _add_field(paragraph, sequence, shown(), is_bold=bool(prefix))

    def _fill(self, paragraph: Paragraph, cell: Cell, place: str, *, is_bold: bool = False) -> None:
        before: Part = ""
        for part in cell.parts:
            if isinstance(part, Number):
                paragraph.add_run(part.text)._r.style = self.result_style_id
                self.numbers.append((place, part))
            elif isinstance(part, Citation):
                self._cite(paragraph, part)
            elif isinstance(part, CallOut):
                self._call_out(paragraph, part)
            elif isinstance(part, Open):
                paragraph.add_run(f"[To be completed: {part.text}]").font.highlight_color = WD_COLOR_INDEX.YELLOW
            else:
                words = self._typeset(part, is_behind_number=isinstance(before, Number))
                paragraph.add_run(words).bold = is_bold or None
            before = part

    def _cite(self, paragraph: Paragraph, citation: Citation) -> None:
        numbers = sorted((self.numbering.references[name], name) for name in citation.names)
        for place, (number, name) in enumerate(numbers):
            paragraph.add_run(f"{NO_BREAK}[" if place == 0 else f",{NO_BREAK}")
            _add_field(paragraph, f"REF ref_{name} \\h", str(number), is_bold=False)
        paragraph.add_run("]")

    def _call_out(self, paragraph: Paragraph, call_out: CallOut) -> None:
        """` (Table 1; Figure 2)` of what there is; where it stands in the other document, in words."""
        labels = [label for name in call_out.names for label in self.numbering.labels.get(name, ())]
        for place, label in enumerate(labels):
            paragraph.add_run(" (" if place == 0 else "; ")
            words = f"{label.kind}{NO_BREAK}{label.number}"
            if label.document == self.name:
                _add_field(paragraph, f"REF {label.bookmark} \\h", words, is_bold=False)
            else:
                paragraph.add_run(words)
        if labels:
            paragraph.add_run(")")

    def _typeset(self, words: str, *, is_behind_number: bool = False) -> str:
        """The words as they are printed; a sign that no document can hold, as in a hospital's name, is written out."""
        return typeset(escape_hidden(words, keep="\n\t"), self.spelling, is_behind_number=is_behind_number)


def _center(paragraph: Paragraph) -> Paragraph:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    return paragraph


def _set_styles(document: DocumentObject) -> None:
    styles = document.styles
    for name in ("Normal", "Caption", "Title", "Heading 1", "Heading 2"):
        style: Any = styles[name]
        style.font.name = FONT
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT_ZH)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            style.element.rPr.rFonts.attrib.pop(qn(f"w:{theme}"), None)
    normal: Any = styles["Normal"]
    normal.font.size = Pt(11)
    normal.paragraph_format.line_spacing = 1.5
    for name, size in (("Title", 16), ("Heading 1", 14), ("Heading 2", 12), ("Caption", 10)):
        styled: Any = styles[name]
        styled.font.size = Pt(size)
    caption: Any = styles["Caption"]
    caption.font.bold, caption.font.italic = False, False
    for name in ("Note", TABLE_STYLE):
        small: Any = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        small.base_style, small.font.size = normal, Pt(9)
        small.paragraph_format.line_spacing, small.paragraph_format.space_after = 1.0, Pt(1)
    for name in ("Caption", "Note", TABLE_STYLE):
        quiet: Any = styles[name]
        quiet.element.get_or_add_pPr().append(OxmlElement("w:suppressLineNumbers"))
    styles.add_style(RESULT_STYLE, WD_STYLE_TYPE.CHARACTER)


def _add_field(paragraph: Paragraph, instruction: str, shown: str, *, is_bold: bool = False) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), instruction)
    run = OxmlElement("w:r")
    if is_bold:
        properties = OxmlElement("w:rPr")
        properties.append(OxmlElement("w:b"))
        run.append(properties)
    words = OxmlElement("w:t")
    words.text = shown
    run.append(words)
    field.append(run)
    paragraph._p.append(field)


ABBREVIATIONS = {
    "AFP": "alpha-fetoprotein", "ALBI": "albumin-bilirubin", "ALT": "alanine aminotransferase",
    "AST": "aspartate aminotransferase", "CI": "confidence interval", "CR": "complete response",
    "CTCAE": "Common Terminology Criteria for Adverse Events", "DCR": "disease control rate",
    "HBsAg": "hepatitis B surface antigen", "HBV": "hepatitis B virus", "HR": "hazard ratio",
    "Len": "lenvatinib", "NE": "not estimable or not evaluable", "ORR": "objective response rate", "OS": "overall survival",
    "PD": "progressive disease", "PD-1": "programmed cell death protein 1 (inhibitor)", "PFS": "progression-free survival",
    "PR": "partial response", "PVTT": "portal vein tumour thrombus", "SE": "standard error",
    "SMD": "standardised mean difference", "Sora": "sorafenib", "TACE": "transarterial chemoembolisation",
}  # fmt: skip


def list_abbreviations(table: ReportTable) -> list[str]:
    """One line that spells out what the table abbreviates; none where it abbreviates nothing."""
    cells = [_read(part) for row in table.rows for cell in row for part in cell.parts]
    words = set(re.findall(r"PD-1|[A-Za-z]+", " ".join([table.title, *table.header, *cells, *table.notes])))
    found = {short: long for short, long in ABBREVIATIONS.items() if short in words}
    if "SD" in words:
        found["SD"] = "stable disease" if words & {"PR", "CR"} else "standard deviation"
    listed = "; ".join(f"{short}, {long}" for short, long in sorted(found.items(), key=lambda item: item[0].casefold()))
    return [f"Abbreviations: {listed}."] if listed else []


def _read(part: Part) -> str:
    return part if isinstance(part, str) else getattr(part, "text", "")
