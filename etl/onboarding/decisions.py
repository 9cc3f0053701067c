"""Who decided what about a mapping, and when: `decisions.csv` beside the mapping's other files.

It is written with the worksheet, `decided` only where the proposal is sure, and again when the finished worksheet is taken.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from etl.onboarding.proposing.codes import CodeDraft
from etl.onboarding.proposing.draft import ALL_ROWS, ColumnDraft, Draft
from etl.onboarding.proposing.layout import FoundSource
from etl.onboarding.proposing.proposal import SURE
from etl.pages.cells import neutralise, read_neutralised
from etl.pages.text import Text

DECISIONS = "decisions.csv"
SHEET, COLUMN, CODE = "sheet", "column", "code"
REGISTRY = "registry"
RECORDS = "records"
HEADER_ROW = "header row "
MOVED = 0.75


@dataclass(frozen=True)
class Decision:
    """One decision; everything as text, as it stands in decisions.csv.

    `kind` is sheet, column or code. `source` is the source's name, for a code `table.field`. `item` is the column or the
    code. `proposed`, `record`, `unit`, `confidence`, `unit_confidence`, `reason` (English / Chinese) and `seen` are the registry's;
    `decided` and what follows are what holds, by whom (`registry` where nobody changed a sure proposal), when, and from which
    worksheet (the beginning of its hash). `codes` lists a column's texts that may be codes (JSON; a small count as 1).
    """

    kind: str
    source: str
    item: str
    proposed: str
    record: str
    unit: str
    confidence: str
    unit_confidence: str
    reason: str
    seen: str = ""
    decided: str = ""
    decided_record: str = ""
    decided_unit: str = ""
    note: str = ""
    decided_by: str = ""
    decided_at: str = ""
    worksheet: str = ""
    codes: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether it gives constants to all records of a table."""
        return self.kind == COLUMN and self.item.startswith(ALL_ROWS)

    @property
    def is_sure(self) -> bool:
        """Whether the registry was sure of meaning and unit."""
        return bool(self.proposed) and min(float(self.confidence), float(self.unit_confidence)) >= SURE


def list_proposals(draft: Draft) -> list[Decision]:
    """Return the decisions that a draft asks for, decided where it is sure."""
    sheets = [_propose_sheet(source, draft) for source in draft.sources]
    columns = [_propose_column(column) for column in draft.columns]
    return [*sheets, *columns, *(propose_code(code) for code in draft.codes)]


def _propose_sheet(source: FoundSource, draft: Draft) -> Decision:
    """Return what is proposed for a sheet; `record` holds what site.toml will say of it."""
    described = json.dumps(source.describe(), ensure_ascii=False)
    if source.name in draft.moved:
        return Decision(
            SHEET, source.name, source.place, f"{HEADER_ROW}{source.header_place}", described, "", str(MOVED), "1", ""
        )
    proposal = Decision(
        SHEET, source.name or source.place, source.place, source.reason or RECORDS, described, "", "1", "1", ""
    )
    if source.name in draft.contradicting:
        return replace(proposal, confidence=str(MOVED))
    return proposal if source.reason else replace(proposal, decided=RECORDS, decided_by=REGISTRY)


def _propose_column(c: ColumnDraft) -> Decision:
    reason = _join(c.reason, c.unit_reason)
    proposal = Decision(
        COLUMN, c.source, c.item, c.meaning, c.record, c.unit, str(c.confidence), str(c.unit_confidence), reason, c.told,
        codes=json.dumps(c.codes, ensure_ascii=False) if c.codes else "",
    )  # fmt: skip
    return accept(proposal, REGISTRY) if proposal.is_sure else proposal


def propose_code(c: CodeDraft) -> Decision:
    """Return what is proposed for a code, decided where it is sure."""
    proposal = Decision(
        CODE, f"{c.table}.{c.field}", c.code, c.value, "", "", str(c.confidence), "1", _join(c.reason), c.told
    )
    return accept(proposal, REGISTRY) if proposal.is_sure else proposal


def accept(proposal: Decision, by: str) -> Decision:
    """Return a proposal decided as proposed."""
    return replace(
        proposal, decided=proposal.proposed, decided_record=proposal.record, decided_unit=proposal.unit, decided_by=by
    )  # fmt: skip


def _join(*reasons: Text) -> str:
    told = [reason for reason in reasons if reason.en]
    return f"{'; '.join(r.en for r in told)} / {'；'.join(r.zh for r in told)}" if told else ""


def print_decisions(decisions: Iterable[Decision]) -> str:
    """Return decisions.csv's text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Decision)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: neutralise(v) for k, v in asdict(decision).items()} for decision in decisions)
    return text.getvalue()


def read_decisions(folder: Path) -> list[Decision]:
    """Return the lines of decisions.csv, none where the mapping was written by hand."""
    path = folder / DECISIONS
    if not path.exists():
        return []
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    return [Decision(**{name: read_neutralised(text) for name, text in row.items()}) for row in rows]
