"""Three synthetic deliveries and their truth, written by somebody who had seen neither the word lists nor the example.

`tests/unseen/*.csv` says of each column which field it is (`patient_id`, `identifier`, `none`, or `unsure` where nobody could know).
"""

import csv
from collections import Counter
from pathlib import Path

import pytest
from worksheet_desk import read_cells

from etl.delivery.read import Delivery, read_delivery
from etl.mapping.site import normalise_text
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.proposing.draft import ColumnDraft, Draft, draft_mapping
from etl.settings import Settings

FOLDER = Path(__file__).parents[1] / "unseen"
NAMES = ("workbook", "trial", "thesis")
AS_TRUTH = {"patient_number": "patient_id", "national_id": "identifier", "not_needed": "none", "": "open"}
PEOPLE = ("patient_id", "identifier")
# Columns right and people seen when this was last measured; docs/new-hospital.md tells the first.
MEASURED = {"workbook": (72, 27), "trial": (58, 9), "thesis": (61, 3)}


def read_truth(name: str) -> dict[tuple[str, str], str]:
    """{(file or sheet, column): truth}."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8-sig") as file:
        return {
            (row["file_or_sheet"].split(".")[0], normalise_text(row["column"])): row["truth"]
            for row in csv.DictReader(file)
        }


def find_truth(truth: dict[tuple[str, str], str], draft: Draft, column: ColumnDraft) -> str:
    source = next(s for s in draft.sources if s.name == column.source)
    places = {source.sheet, source.origin.split(" ")[0].split(".")[0], "HCC_EHM_data_final"}
    return next(
        told for (place, name), told in truth.items() if name == normalise_text(column.column) and place in places
    )


def count(name: str, delivery: Delivery) -> Counter[str]:
    truth, draft = read_truth(name), draft_mapping(delivery, "x")
    counts: Counter[str] = Counter()
    for column in (c for c in draft.columns if c.column):
        told, got = find_truth(truth, draft, column), AS_TRUTH.get(column.meaning, column.meaning)
        if told in PEOPLE:
            counts["people seen" if got in PEOPLE else "people open"] += 1
        is_right = (
            got == told or (told == "identifier" and got in PEOPLE) or (got == "laboratory.unit" and told == "none")
        )
        if is_right and told != "none":
            counts["right"] += 1
        elif got == "open" and told not in ("none", "unsure"):
            counts["open"] += 1
        elif got not in ("open", "none") and not is_right:
            counts["wrong"] += 1
    return counts


@pytest.mark.parametrize("name", NAMES)
def test_what_is_proposed_is_right_and_the_rest_is_left_open(name):
    counts = count(name, read_delivery(FOLDER / name))
    print(f"\n{name}: {dict(counts)}")
    assert counts["wrong"] == 0
    assert (counts["right"], counts["people seen"]) >= MEASURED[name]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_shown(name, tmp_path):
    """Whoever stands in a column that the truth calls a person's must stand nowhere in what is written."""
    delivery, truth = read_delivery(FOLDER / name), read_truth(name)
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    proposed = propose_hospital(settings, "x", FOLDER / name)
    cells = read_cells(proposed.worksheet)
    written = "\n".join(
        [*cells.values(), *(f.read_text(encoding="utf-8") for f in proposed.worksheet.parent.glob("*.csv"))]
    )
    draft = draft_mapping(delivery, "x")
    people = [
        text
        for source in draft.sources
        for column in draft.columns
        if column.source == source.name and column.column and find_truth(truth, draft, column) in PEOPLE
        for text in source.rows[column.column].drop_nulls().unique()
        if (len(text) > 2 and not text.isascii()) or len(text) > 4
    ]
    assert len(people) > 50
    assert [text for text in people if text in written] == []
