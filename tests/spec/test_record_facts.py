"""Laboratory values that belong to an adverse event, and new lesions that a reader sees, as rules need them."""

import polars as pl
import pytest
from clinical_tables import make_frame, read_rows

from schemas.definitions import record_facts
from schemas.definitions.laboratory_baseline import derive_baseline_samples
from schemas.definitions.record_facts import derive_response_facts, fill_count
from schemas.definitions.treatment import derive_first_line

# An event of 2020-03-28; samples as "visit:day:value", the value with its sign. The nearest counts, at most 3 days away; of
# two equally near the worse, which for platelets is the lower. The worst counts from 3 days before on: the event goes on.
SAMPLES = """
| term                | samples               | sample | worst | baseline | why                                    |
| alt_increased       | 0:01:30 1:28:44       | 44     | 44    | 30       | on the day                             |
| alt_increased       | 0:01:30 1:27:41 2:30:99 | 41   | 99    | 30       | nearer by a day                        |
| alt_increased       | 0:01:30 1:26:50 2:30:60 | 60   | 60    | 30       | equally near: the higher               |
| alt_increased       | 0:01:30 1:26:60 2:30:50 | 60   | 60    | 30       | equally near: the higher               |
| platelets_decreased | 0:01:99 1:26:50 2:30:60 | 50   | 50    | 99       | equally near: the lower                |
| alt_increased       | 0:01:30 1:25:50       | 50     | 50    | 30       | 3 days before                          |
| alt_increased       | 0:01:30 1:31:50       | 50     | 50    | 30       | 3 days after                           |
| alt_increased       | 0:01:30 1:24:50       |        |       | 30       | 4 days are too far                     |
| alt_increased       | 0:01:30 1:28:>44      |        |       | 30       | a bound is no value                    |
| alt_increased       | 0:01:<30 1:28:44      | 44     | 44    |          | a bound is no baseline                 |
| alt_increased       | 0:01:30 1:28:50 2:28:>50 | 50  | 50    | 30       | of the same value the earlier visit    |
| alt_increased       | 0:01:30 1:28:>50 2:28:50 |     | 50    | 30       | of the same value the earlier visit    |
| alt_increased       | 0:01:30 1:28: 2:27:41 | 41     | 41    | 30       | a sample without a value is none       |
| alt_increased       | 1:28:44               | 44     | 44    |          | no baseline                            |
| alt_increased       | 0:28:44               | 44     | 44    | 44       | the baseline is a sample too           |
"""


def derive_event_facts(events, laboratory):
    """The start of therapy is not known here, so that visit 0 is the baseline."""
    first_line = derive_first_line(make_frame("treatment", []))
    samples = derive_baseline_samples(laboratory, make_frame("baseline", []), first_line)
    return record_facts.derive_event_facts(events, laboratory, samples)


TESTS = {"alt_increased": "alt_u_l", "platelets_decreased": "platelets_10e9_l"}


def make_sample(test, text):
    visit, day, value = text.split(":")
    sign = value[0] if value[:1] in ("<", ">") else "=" if visit == "1" else None
    number = value.lstrip("<>") or None
    date = f"2020-03-{day}"
    return {"visit_number": visit, "test": test, "sample_date": date, "value": number, "value_comparator": sign}


@pytest.mark.parametrize("case", read_rows(SAMPLES), ids=lambda case: f"{case['term']}: {case['samples']}")
def test_the_values_of_an_event(case):
    event = {"term": case["term"], "onset_date": "2020-03-28"}
    events = make_frame("adverse_event", [{"event_number": "1", **event}, {"event_number": "2", **event}])
    samples = [make_sample(TESTS[case["term"]], text) for text in case["samples"].split()]
    others = [make_sample("ast_u_l", "0:01:33"), make_sample("ast_u_l", "1:28:700")]
    facts = derive_event_facts(events, make_frame("laboratory", [*others, *samples]))
    expected = tuple(None if case[name] is None else float(case[name]) for name in ("sample", "worst", "baseline"))
    assert facts.rows() == [("p1", 1, *expected, False), ("p1", 2, *expected, False)]


@pytest.mark.parametrize(
    ("resolved_date", "worst"),
    [(None, 90), ("2020-04-20", 80), ("2020-04-19", 60), ("2020-03-28", 60), ("2020-03-24", None)],
)
def test_the_worst_value_of_an_event_lies_before_its_resolution(resolved_date, worst):
    event = {"event_number": "1", "term": "alt_increased", "onset_date": "2020-03-28", "resolved_date": resolved_date}
    texts = ["1:24:99", "2:25:60", "3:28:50"]
    samples = [make_sample("alt_u_l", text) for text in texts]
    samples += [{**make_sample("alt_u_l", "4:01:80"), "sample_date": "2020-04-20"}]
    samples += [{**make_sample("alt_u_l", "5:01:90"), "sample_date": "2020-04-21"}]
    facts = derive_event_facts(make_frame("adverse_event", [event]), make_frame("laboratory", samples))
    assert facts["worst_value"].to_list() == [worst]


def test_an_event_without_any_sample_stays_and_a_term_without_a_test_does_not():
    events = read_rows("| event_number | term |\n| 1 | ast_increased |\n| 2 | fatigue |\n| 3 | bilirubin_increased |")
    facts = derive_event_facts(make_frame("adverse_event", events), make_frame("laboratory", []))
    assert facts.rows() == [("p1", 1, None, None, None, False), ("p1", 3, None, None, None, False)]


@pytest.mark.parametrize(
    ("next_onset", "resolved", "expected"),
    [
        ("2020-04-05", "2020-04-05", True),
        ("2020-04-06", "2020-04-05", False),
        ("2020-04-01", "2020-04-05", False),
        (None, "2020-04-05", None),
        ("2020-04-05", None, None),
        ("2020-03-31", None, False),
    ],
)
def test_an_event_is_alone_only_where_the_days_say_so(next_onset, resolved, expected):
    first = {"event_number": "1", "term": "alt_increased", "onset_date": "2020-04-01", "resolved_date": resolved}
    second = {"event_number": "2", "term": "alt_increased", "onset_date": next_onset}
    facts = derive_event_facts(make_frame("adverse_event", [first, second]), make_frame("laboratory", []))
    assert facts["has_next_event_within"][0] is expected


def test_the_tests_that_terms_are_graded_by():
    terms = ["alt_increased", "ast_increased", "bilirubin_increased", "platelets_decreased"]
    tests = ["alt_u_l", "ast_u_l", "bilirubin_umol_l", "platelets_10e9_l"]
    events = [{"event_number": str(n), "term": term, "onset_date": "2020-03-28"} for n, term in enumerate(terms, 1)]
    samples = [make_sample(test, f"1:28:{n}") for n, test in enumerate(tests, 1)]
    facts = derive_event_facts(make_frame("adverse_event", events), make_frame("laboratory", samples))
    assert facts["sample_value"].to_list() == [1, 2, 3, 4]


def test_new_lesions_that_are_seen():
    rows = read_rows("""
        | patient_id | visit_number | reader | lesion_id | role   | status       |
        | p1         | 1            | a      | X1        | new    | present      |
        | p1         | 1            | a      | X2        | new    |              |
        | p1         | 1            | a      | X3        | new    | absent       |
        | p1         | 1            | a      | X4        | new    | not_assessed |
        | p1         | 1            | a      | X5        | new    | equivocal    |
        | p1         | 1            | a      | T1        | target | measured     |
        | p1         | 1            | b      | T1        | target | measured     |
        | p1         | 2            | a      | X1        | new    | present      |
        | p1         | 2            | a      | X5        | new    | merged       |
        | p2         | 1            | a      | X1        | new    | measured     |
    """)
    facts = derive_response_facts(make_frame("lesion", rows))
    counted = facts.select("patient_id", "visit_number", "reader", "listed_new_lesion_number")
    assert counted.rows() == [("p1", 1, "a", 2), ("p1", 1, "b", 0), ("p1", 2, "a", 2), ("p2", 1, "a", 1)]


def test_the_first_and_the_last_day_of_a_visits_images():
    rows = read_rows("""
        | visit_number | reader | lesion_id | role   | assessment_date |
        | 1            | a      | T1        | target | 2020-04-15      |
        | 1            | a      | T2        | target | 2020-04-17      |
        | 1            | a      | N1        |        | 2020-04-14      |
        | 1            | a      | N2        |        |                 |
        | 1            | b      | T1        | target | 2020-04-20      |
        | 2            | a      | T1        | target |                 |
    """)
    facts = derive_response_facts(make_frame("lesion", rows))
    days = facts.select(pl.col("first_lesion_image_date", "last_lesion_image_date").dt.day())
    assert days.rows() == [(14, 17), (20, 20), (None, None)]


@pytest.mark.parametrize(("is_sent", "expected"), [(False, [None, 2]), (True, [0, 2])])
def test_who_has_no_record_counts_as_none_only_where_the_hospital_sends_such_records(is_sent, expected):
    counts = pl.DataFrame({"n": [None, 2]}, schema={"n": pl.Int64})
    assert counts.select(fill_count("n", is_sent=is_sent))["n"].to_list() == expected
