"""The example's patients sent with less: what is concluded then, and that no recorded progression is lost or comes late."""

from pathlib import Path

import polars as pl
import poorer_deliveries
import pytest
from poorer_deliveries import POORER, compare, count_table

LESIONS = Path(__file__).parents[2] / "docs" / "lesions.md"
SAME_PROGRESSION_DAYS = 28


@pytest.mark.parametrize("kind", POORER)
def test_no_recorded_progression_is_lost_or_late(kind):
    """Later only where the outcome's date is within 28 days of the image's, which then counts; none of the example's is set aside."""
    pairs = compare(kind).filter(pl.col("recorded_days").is_not_null())
    late_days = pl.col("poorer_first_progression_days") - pl.col("recorded_days")
    assert pairs.height > 400
    assert pairs["poorer_first_progression_days"].null_count() == 0
    assert pairs.filter(~late_days.is_between(-SAME_PROGRESSION_DAYS, 0)).height == 0


@pytest.mark.parametrize("kind", POORER)
def test_less_evidence_makes_no_patient_better(kind):
    """No progression comes earlier or later than in the full delivery, no response is better, and the baseline is the same."""
    rank = {"CR": 0, "PR": 1, "SD": 2, "PD": 3, "NE": 4, None: 5}
    pairs = compare(kind)
    assert pairs["first_progression_days"].equals(pairs["poorer_first_progression_days"], null_equal=True)
    assert all(rank[a] <= rank[b] for a, b in pairs.select("best_response", "poorer_best_response").iter_rows())
    assert pairs["baseline_imaging_date"].equals(pairs["poorer_baseline_imaging_date"], null_equal=True)


def test_what_a_progression_rests_on_follows_what_is_sent():
    sources = {
        kind: set(poorer_deliveries.conclude(kind)["first_progression_source"].drop_nulls())
        for kind in ("full", *POORER)
    }
    assert sources["full"] == {"complete_list", "targets", "new_lesion"}
    assert sources["targets only"] == {"targets", "recorded_response"}
    assert sources["sums only"] == {"target_sum", "recorded_response"}
    assert sources["recorded responses only"] == {"recorded_response"}
    assert sources["outcome table only"] == {"outcome"}
    assert sources["dates without visits"] == sources["full"]


def test_the_documented_table_is_current():
    text = LESIONS.read_text(encoding="utf-8")
    begin, end = "<!-- poorer deliveries: begin -->\n", "\n<!-- poorer deliveries: end -->"
    assert text.split(begin)[1].split(end)[0] == count_table(), (
        "put the output of `PYTHONPATH=.:tests python -P -m poorer_deliveries` between the marks in docs/lesions.md"
    )
