"""What `site.toml` may hold: a hospital's names, its permission, its sources, and the sheets that hold no records."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG, WANTED, Fault, parse_toml, raise_faults, validate
from etl.mapping.permission import Permission
from etl.mapping.written import Written
from etl.pages.text import Text

ROW_NUMBER_PATIENT = "row number"
FULL, ADDITIONS = "full", "additions"
PERMISSION = "permission"
_Words = Annotated[str, Field(min_length=1)]
_HEADER_ROW = Text(
    "must be a row number, 1 or more (for a file without one, list the columns' names in header; 0 for SPSS, Stata and SAS)",
    "应为行号，从 1 开始（没有表头的文件请用 header 列出列名；SPSS、Stata、SAS 文件写 0）",
)
_HEADER_FROM = Text(
    "must be the first of the rows that name the columns, above header_row, the last of them",
    "应为列名所在各行中的第一行，位于最后一行 header_row 之上",
)
_HEADER = Text('must list the names of all columns: header = ["text", ...]', '应列出全部列名：header = ["文本", ...]')
_PATIENT = Text(
    f'can only be "{ROW_NUMBER_PATIENT}"; a column of patient numbers is named in columns.csv',
    f'只能是 "{ROW_NUMBER_PATIENT}"；患者编号列请写在 columns.csv',
)
_WRITTEN = Text(
    f"must list how the file is written: written = [...] of {', '.join(Written)}",
    f"应列出该文件的书写方式：written = [...]，可选 {'、'.join(Written)}",
)
_PATIENT_ROWS = Text(
    'can only be "joined" (what the rows of a patient say is one record) or "last" (and the last of them counts)',
    '只能是 "joined"（同一患者各行合为一条记录）或 "last"（且以最后一行为准）',
)
_DELIVERIES = Text(
    f'must be "{FULL}" (each delivery holds all patients) or "{ADDITIONS}" (each holds what is new since the last)',
    f'应为 "{FULL}"（每次提交包含全部患者）或 "{ADDITIONS}"（每次只提交新增内容）',
)
_NO_ADDITIONS = Text(
    f'cannot be "{ADDITIONS}" where the row number is the patient\'s number: in the next delivery the same number is another patient',
    f'以行号为患者编号时不能为 "{ADDITIONS}"：下次提交中同一行号会是另一名患者',
)
_FILTER = Text('must be of the form: column = ["text", ...]', '格式应为：列名 = ["文本", ...]')
_IGNORE = Text(
    'must be of the form: "name of the rule" = { column = "...", starts_with = ["text", ...] }',
    '格式应为："规则名" = { column = "...", starts_with = ["文本", ...] }',
)


@dataclass(frozen=True, config=CONFIG)
class IgnoreEntry:
    """A named rule by which rows are ignored: the column's text equals or starts with one of the texts."""

    column: _Words
    equals: tuple[_Words, ...] = ()
    starts_with: tuple[_Words, ...] = ()

    @model_validator(mode="after")
    def _check_texts(self) -> IgnoreEntry:
        # An empty rule would ignore nothing, and nobody would see that it does.
        raise_faults([] if self.equals or self.starts_with else [Fault("", _IGNORE)])
        return self


@dataclass(frozen=True, config=CONFIG)
class SourceEntry:
    """One `[[source]]`: a sheet or text file, or the rows of one that a filter chooses."""

    name: _Words
    file: _Words
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=0)] | None = field(default=None, metadata={WANTED: _HEADER_ROW})
    header_from: Annotated[int, Field(ge=1)] | None = field(default=None, metadata={WANTED: _HEADER_FROM})
    header: tuple[str, ...] | None = field(default=None, metadata={WANTED: _HEADER})
    patient: Literal["row number"] | None = field(default=None, metadata={WANTED: _PATIENT})
    patient_rows: Literal["joined", "last"] | None = field(default=None, metadata={WANTED: _PATIENT_ROWS})
    merged_ids: bool = False  # of earlier mappings: merged cells are filled whatever it says
    written: tuple[Written, ...] = field(default=(), metadata={WANTED: _WRITTEN})
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata={WANTED: _FILTER})
    ignore: Mapping[str, IgnoreEntry] = field(default_factory=dict, metadata={WANTED: _IGNORE})

    @model_validator(mode="after")
    def _check_header(self) -> SourceEntry:
        raise_faults(_find_header_faults(self))
        return self


@dataclass(frozen=True, config=CONFIG)
class IgnoredEntry:
    """One `[[ignored]]`: a sheet or file that holds no records, and why."""

    file: _Words
    sheet: str | None = None
    reason: str = ""


@dataclass(frozen=True, config=CONFIG)
class SiteFile:
    """The whole of `site.toml`."""

    hospital: str
    source: tuple[SourceEntry, ...]
    name_en: str = ""
    name_zh: str = ""
    deliveries: Literal["full", "additions"] = field(default=FULL, metadata={WANTED: _DELIVERIES})
    lists_every_new_lesion: bool = False
    ignored: tuple[IgnoredEntry, ...] = ()
    permission: Permission = Permission()

    @field_validator("source")
    @classmethod
    def _check_sources(cls, value: tuple[SourceEntry, ...]) -> tuple[SourceEntry, ...]:
        absent = [] if value else [Fault("", Text("no [[source]]", "没有 [[source]]"))]
        raise_faults([*absent, *_find_contradictions(value)])
        return value

    @model_validator(mode="after")
    def _check_numbers(self) -> SiteFile:
        has_row_numbers = any(source.patient is not None for source in self.source)
        raise_faults([Fault("deliveries", _NO_ADDITIONS)] if self.deliveries == ADDITIONS and has_row_numbers else [])
        return self


def read_site_file(path: Path, hospital: str) -> tuple[SiteFile | None, list[Fault]]:
    """Return `site.toml` of the hospital whose folder it lies in, or every fault of it."""
    content, faults = parse_toml(path)
    if faults:
        return None, faults
    found, faults = validate(SiteFile, content)
    if "hospital" in content and content["hospital"] != hospital:
        words = Text(f'must be "{hospital}", the name of the folder', f'应为文件夹名 "{hospital}"')
        faults.append(Fault("hospital", words))
    return found, faults


def _find_header_faults(item: SourceEntry) -> Iterator[Fault]:
    """What is wrong with the place of the columns' names: a row of the file, or a list where it has none."""
    if item.header is None:
        if item.header_row is None:
            yield Fault("header_row", _HEADER_ROW)
        elif item.header_from is not None and item.header_from >= item.header_row:
            yield Fault("header_from", _HEADER_FROM)
        return
    if item.header_row is not None or item.header_from is not None:
        yield Fault(
            "",
            Text(
                "header_row and header exclude each other: header names the columns of a file without a header row",
                "header_row 与 header 不能同时使用：header 用于没有表头行的文件",
            ),
        )
    if not item.header or not all(name.strip() for name in item.header):
        yield Fault("header", _HEADER)
    folded = Counter(" ".join(unicodedata.normalize("NFKC", name).split()) for name in item.header)
    for name in (name for name, n in folded.items() if n > 1 and name):
        yield Fault("header", Text(f"names '{name}' twice", f"列名“{name}”重复"))


def _find_contradictions(sources: Sequence[SourceEntry]) -> Iterator[Fault]:
    """What two sources say differently though they must agree."""
    for name in (name for name, n in Counter(item.name for item in sources).items() if n > 1):
        yield Fault("", Text(f"two sources are called '{name}'", f"两个数据源同名“{name}”"))
    first: dict[tuple[str, str | None], SourceEntry] = {}
    for item in sources:
        other = first.setdefault((item.file, item.sheet), item)
        for key in ("header_row", "header_from", "header"):
            if getattr(item, key) != getattr(other, key):
                yield Fault(
                    "",
                    Text(
                        f"'{item.name}' has another {key} than a source of the same sheet",
                        f"“{item.name}”的 {key} 与同一工作表的另一数据源不同",
                    ),
                )
    with_row_numbers = [item.patient is not None for item in sources]
    if any(with_row_numbers) and (len(first) > 1 or not all(with_row_numbers)):
        yield Fault(
            "",
            Text(
                f'patient = "{ROW_NUMBER_PATIENT}" needs every source to read the same sheet and to say so: elsewhere the same number '
                "would be another patient",
                f'patient = "{ROW_NUMBER_PATIENT}" 要求所有数据源读取同一工作表并都如此声明：否则同一行号会是另一名患者',
            ),
        )
