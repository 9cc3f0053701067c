"""The manuscript of a study as a Word document: methods, results, numbered tables and figures.

Every number is a run of the character style "Result"; `manuscript_numbers.csv` lists them in the order of the document,
each with the name of its result.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from analysis.figures.style import Drawing
from analysis.report.methods import write_methods
from analysis.report.narrative import write_narrative
from analysis.report.page import FIRST_SCREEN, SECTIONS
from analysis.study.results import Results, name_origin
from analysis.study.spec import StudySpec
from analysis.tables.model import Cell, Number, ReportTable, build_tables
from etl.pages.synthetic_marks import IN_MANUSCRIPTS

FONT = "Times New Roman"
RESULT_STYLE, TABLE_STYLE = "Result", "Table text"
WARNING = RGBColor(0x9A, 0x34, 0x00)
A4_CM = (21.0, 29.7)
MARGIN_CM = 2.5
WIDEST_PORTRAIT_TABLE = 7  # columns
NO_CLOCK = datetime(2000, 1, 1)
PADDING = 4  # of a cell, in characters
FIRST_COLUMN_SHARE = {False: 0.42, True: 0.2}  # of the width, by whether the table is wide
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


def write_manuscript(
    folder: Path, results: Results, drawings: Sequence[Drawing], spec: StudySpec, manifest: Mapping[str, Any]
) -> Path:
    """Write `manuscript.docx` and `manuscript_numbers.csv` beside the study's `figures/`; returns the document's path."""
    is_synthetic = bool(manifest["is_synthetic"])
    writer = _Writer(is_synthetic=is_synthetic)
    writer.add_title(spec.title)
    writer.add_section("Methods", [("", write_methods(results, spec, manifest))])
    writer.add_section("Results", write_narrative(results, spec))
    tables = [table for table in build_tables(results, spec) if not table.is_folded and table.section != "published"]
    for table in tables:
        writer.add_table(table)
    order = [*SECTIONS, FIRST_SCREEN]
    for drawing in sorted(drawings, key=lambda drawing: order.index(drawing.section)):
        writer.add_figure(folder / "figures" / f"{drawing.name}.png", drawing)
    writer.save_numbers(folder / "manuscript_numbers.csv")
    return writer.save(folder / "manuscript.docx")


class _Writer:
    """One document in the making, and the numbers put into it so far."""

    def __init__(self, *, is_synthetic: bool) -> None:
        self.document: DocumentObject = Document()
        self.is_synthetic = is_synthetic
        self.numbers: list[tuple[str, Number]] = []
        self.counts = {"Table": 0, "Figure": 0}
        _set_styles(self.document)
        # Given by its name, a style is looked for among all styles twice: for some thousand numbers, half of the time.
        self.result_style_id, self.table_style_id = (
            self.document.styles[name].style_id for name in (RESULT_STYLE, TABLE_STYLE)
        )
        self._set_page(self.document.sections[0], is_landscape=False)
        if is_synthetic:
            header = self.document.sections[0].header.paragraphs[0]
            header.alignment = WD_ALIGN_PARAGRAPH.CENTER
            run = header.add_run(IN_MANUSCRIPTS)
            run.bold, run.font.color.rgb = True, WARNING

    def add_title(self, title: str) -> None:
        self.document.add_heading(title, level=0)

    def add_section(self, title: str, parts: Sequence[tuple[str, Sequence[Cell]]]) -> None:
        self.document.add_heading(title, level=1)
        for heading, paragraphs in parts:
            if heading:
                self.document.add_heading(heading, level=2)
            for cell in paragraphs:
                self._fill(self.document.add_paragraph(), cell, f"{title} {heading}".strip())

    def add_table(self, table: ReportTable) -> None:
        """A page of its own for each table, lying on its side where it is wide."""
        section = self.document.add_section(WD_SECTION.NEW_PAGE)
        self._set_page(section, is_landscape=len(table.header) > WIDEST_PORTRAIT_TABLE)
        place = self._add_caption("Table", table.title)
        grid = self.document.add_table(rows=1, cols=len(table.header))
        if table.spans:
            self._add_spans(grid, table, place)
        for cell, label in zip(grid.rows[-1].cells, table.header, strict=True):
            self._fill(cell.paragraphs[0], Cell((label,)), place, is_bold=True)
        n_header = len(grid.rows)
        for row in table.rows:
            cells = grid.add_row().cells
            if len(row) == 1:
                cells[0].merge(cells[-1])
            for cell, content in zip(cells, row, strict=False):
                self._fill(cell.paragraphs[0], content, place, is_bold=content.is_heading)
        _lay_out(grid, section, n_header, self.table_style_id)
        for note in (*table.notes, *_list_abbreviations(table)):
            self.document.add_paragraph(note, style="Note")

    def _add_spans(self, grid: Any, table: ReportTable, place: str) -> None:
        """Fill the first row with the headings that stand above several columns, and add one below it."""
        first = 0
        for label, width in table.spans:
            cell = grid.cell(0, first)
            if width > 1:
                cell.merge(grid.cell(0, first + width - 1))
            self._fill(cell.paragraphs[0], Cell((label,)), place, is_bold=True)
            first += width
        grid.add_row()

    def add_figure(self, picture: Path, drawing: Drawing) -> None:
        section = self.document.add_section(WD_SECTION.NEW_PAGE)
        self._set_page(section, is_landscape=False)
        width, height = drawing.figure.get_size_inches()
        widest, tallest = A4_CM[0] - 2 * MARGIN_CM, A4_CM[1] - 2 * MARGIN_CM - 4
        scale = min(widest / width, tallest / height)
        self.document.add_picture(str(picture), width=Cm(width * scale))
        self._add_caption("Figure", drawing.caption.en)

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

    def save_numbers(self, path: Path) -> None:
        origin = name_origin(is_synthetic=self.is_synthetic)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["position", "place", "text", "kind", "result_id", "data_origin"])
            for position, (place, number) in enumerate(self.numbers, start=1):
                writer.writerow([position, place, number.text, number.kind, number.result_id, origin])

    def _set_page(self, section: Any, *, is_landscape: bool) -> None:
        short, long = Cm(A4_CM[0]), Cm(A4_CM[1])
        section.orientation = WD_ORIENT.LANDSCAPE if is_landscape else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = (long, short) if is_landscape else (short, long)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN_CM)

    def _add_caption(self, kind: str, words: str) -> str:
        """`Table 1. Title`, its number a field that Word counts anew; returns the caption's label."""
        self.counts[kind] += 1
        paragraph = self.document.add_paragraph(style="Caption")
        paragraph.add_run(f"{kind} ").bold = True
        _add_field(paragraph, f"SEQ {kind} \\* ARABIC", str(self.counts[kind]))
        paragraph.add_run(". ").bold = True
        paragraph.add_run(words)
        paragraph.paragraph_format.keep_with_next = kind == "Table"
        return f"{kind} {self.counts[kind]}"

    def _fill(self, paragraph: Paragraph, cell: Cell, place: str, *, is_bold: bool = False) -> None:
        for part in cell.parts:
            if isinstance(part, Number):
                paragraph.add_run(part.text)._r.style = self.result_style_id
                self.numbers.append((place, part))
            else:
                paragraph.add_run(part).bold = is_bold or None


def _set_styles(document: DocumentObject) -> None:
    styles = document.styles
    for name in ("Normal", "Caption", "Title", "Heading 1", "Heading 2"):
        style: Any = styles[name]
        style.font.name = FONT
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
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
    styles.add_style(RESULT_STYLE, WD_STYLE_TYPE.CHARACTER)


def _add_field(paragraph: Paragraph, instruction: str, shown: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), instruction)
    run = OxmlElement("w:r")
    properties = OxmlElement("w:rPr")
    properties.append(OxmlElement("w:b"))
    words = OxmlElement("w:t")
    words.text = shown
    run.append(properties)
    run.append(words)
    field.append(run)
    paragraph._p.append(field)


def _lay_out(grid: Any, section: Any, n_header: int, style_id: str) -> None:
    """Rules above, below and under the header, as journals print tables; the header again on every page; small type."""
    grid.autofit = False
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom"):
        borders.append(_make_rule(side, 8))
    grid._tbl.tblPr.append(borders)
    width = section.page_width - section.left_margin - section.right_margin
    _set_widths(grid, _share_width(grid, width, n_header))
    for number, row in enumerate(grid.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if number < n_header:
            properties.append(OxmlElement("w:tblHeader"))
        first = row.cells[0]
        cells = list({id(cell._tc): cell for cell in row.cells}.values())
        for cell in cells:
            if number == n_header - 1:
                _underline(cell)
            for paragraph in cell.paragraphs:
                paragraph._p.style = style_id
                if cell._tc is not first._tc:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _set_widths(grid: Any, widths: list[int]) -> None:
    """Word reads the widths of the columns, other programs those of the cells."""
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for row in grid.rows:
        if len(row._tr.tc_lst) == len(widths):
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width


def _share_width(grid: Any, width: int, n_header: int) -> list[int]:
    """The width of every column: a fixed share for the first, the rest by the longest entry, or word of the header."""
    first = int(width * FIRST_COLUMN_SHARE[len(grid.columns) > WIDEST_PORTRAIT_TABLE])
    longest = [0] * len(grid.columns)
    for number, row in enumerate(grid.rows):
        entries = ["".join(words.text or "" for words in cell.iter(qn("w:t"))) for cell in row._tr.tc_lst]
        if len(entries) == len(longest):
            sizes = [max(map(len, entry.split()), default=0) if number < n_header else len(entry) for entry in entries]
            longest = [max(known, size) for known, size in zip(longest, sizes, strict=True)]
    weights = [size + PADDING for size in longest[1:]]
    return [first, *((width - first) * weight // sum(weights) for weight in weights)]


def _underline(cell: Any) -> None:
    under = OxmlElement("w:tcBorders")
    under.append(_make_rule("bottom", 4))
    cell._tc.get_or_add_tcPr().append(under)


def _make_rule(side: str, eighths_of_a_point: int) -> Any:
    rule = OxmlElement(f"w:{side}")
    for key, value in (("val", "single"), ("sz", str(eighths_of_a_point)), ("space", "0"), ("color", "000000")):
        rule.set(qn(f"w:{key}"), value)
    return rule


def _list_abbreviations(table: ReportTable) -> list[str]:
    """One line that spells out what the table abbreviates; none where it abbreviates nothing."""
    cells = [part if isinstance(part, str) else part.text for row in table.rows for cell in row for part in cell.parts]
    words = set(re.findall(r"PD-1|[A-Za-z]+", " ".join([table.title, *table.header, *cells, *table.notes])))
    found = {short: long for short, long in ABBREVIATIONS.items() if short in words}
    if "SD" in words:
        found["SD"] = "stable disease" if table.section == "response" else "standard deviation"
    listed = "; ".join(f"{short}, {long}" for short, long in sorted(found.items(), key=lambda item: item[0].casefold()))
    return [f"Abbreviations: {listed}."] if listed else []
