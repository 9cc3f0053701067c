"""What a person says of the hospital's codes: those that the registry asks about, and those that only the hospital knows of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from etl.mapping.read_site import list_fields
from etl.mapping.site import EVERY_FIELD, EVERY_TABLE, Site, normalise_code, normalise_text
from etl.onboarding.decisions import CODE, Decision
from etl.onboarding.proposing.words import ASK, NO_LINE
from etl.onboarding.worksheet.form import CODE as CODE_LABEL
from etl.onboarding.worksheet.form import DECISION, FIELD
from etl.onboarding.worksheet.rows import Reading, Row, is_accepted
from etl.onboarding.worksheet.write import list_choices


def name_code_row(row: Row) -> tuple[str, str]:
    """Return field and code of a row of the codes, as they are compared."""
    return row.texts[FIELD.en].split(" | ")[0].strip(), normalise_text(row.texts[CODE_LABEL.en])


def decide_code(proposal: Decision, row: Row, by: str, reading: Reading) -> Decision:
    """Return what a person decided about one code."""
    text = row.texts[DECISION.en]
    table, field = proposal.source.split(".")
    choices = list_choices(table, field, proposal.item)
    if not text or (is_accepted(text) and not proposal.proposed):
        reading.wait(row.place(DECISION), f"{proposal.source}: {proposal.item}")
        return proposal
    value = proposal.proposed if is_accepted(text) else text
    is_number = value.isdecimal() and choices[0].isdecimal()
    if value not in (*choices, ASK) and not is_number:
        reading.blame(
            row.place(DECISION),
            f"this is none of the codes: {', '.join(choices)}",
            f"不在可选编码中：{', '.join(choices)}",
        )
        return proposal
    return replace(proposal, decided=value, decided_by=proposal.decided_by if value == proposal.decided else by)


def decide_added_codes(
    proposals: Sequence[Decision], known: Site | None, rows: Sequence[Row], by: str, reading: Reading
) -> Iterator[tuple[Decision, Row | None]]:
    """Yield the codes that a person added: only the hospital knows that its 9 stands for "not measured" where 9 could be a value."""
    taken = {(d.source, normalise_text(d.item)) for d in proposals if d.kind == CODE}
    for row in rows:
        source, code = name_code_row(row)
        if (source, code) in taken:
            continue
        taken.add((source, code))
        table, _, field = source.partition(".")
        if not code or not _has_codes(table, field):
            told = "no such field, or no code; write the field as sheet 字段 Fields has it (baseline.tumour_size_cm) and the code"
            reading.blame(
                row.place(FIELD),
                told,
                "没有该字段或未写编码；请按“字段 Fields”表填写字段（如 baseline.tumour_size_cm）和编码",
            )
            continue
        proposal = Decision(CODE, source, row.texts[CODE_LABEL.en], "", "", "", "0", "1", "")
        decided = decide_code(proposal, row, by, reading)
        stated = known.codes.get((table, field), {}).get(normalise_code(code)) if known else None
        if stated is not None and decided.decided not in (stated, *NO_LINE):
            reading.blame(
                row.place(DECISION),
                f"codes.csv already says that this is {stated}; change it there",
                f"codes.csv 已将其定义为 {stated}；请在该文件中修改",
            )
        elif stated is None:
            yield decided, row


def _has_codes(table: str, field: str) -> bool:
    """Whether a person may say of a field, or of every field of the project, what a code means in it."""
    return (field == EVERY_FIELD) == (table == EVERY_TABLE) and bool(list_fields(table, field))
