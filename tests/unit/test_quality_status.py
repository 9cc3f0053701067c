"""What became of a query: cases told by hand, and that every query has exactly one state."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality_frames import ANSWER_SCHEMA, FINDING_SCHEMA, INGEST_SCHEMA, make_finding, make_ingest

from etl.quality.status import derive_query_status

ASKED = "ALT outside the possible range; please check value and unit."


def make_answer(finding_id="a", answer="confirmed", ingest_id=1, **changes):
    told = {
        "answer_id": 1, "hospital": "h", "finding_id": finding_id, "answer": answer, "value": "99999",
        "message_en": ASKED, "answered_by": "DM", "ingest_id": ingest_id,
    }  # fmt: skip
    return {**told, **changes}


def derive_status(
    found_by_ingest, answers=(), *, current=None, values=None, hashes=None, withdrawn=(), severity="query"
):
    """{ingest: ids} of one hospital -> {id: status}; the last ingest is current unless said otherwise."""
    current = current or max(found_by_ingest)
    findings = [
        make_finding(i, "h", name, severity, value=(values or {}).get(i, "99999"))
        for i, names in found_by_ingest.items()
        for name in names
    ]
    ingests = [
        {
            **make_ingest(i, "h", 1, is_current=i == current),
            "content_hash": (hashes or {}).get(i, str(i)),
            "is_withdrawn": i in withdrawn,
        }
        for i in found_by_ingest
    ]
    frame = derive_query_status(
        pl.DataFrame(findings, schema=FINDING_SCHEMA),
        pl.DataFrame(ingests, schema=INGEST_SCHEMA),
        pl.DataFrame(list(answers), schema=ANSWER_SCHEMA),
    )
    assert frame["finding_id"].is_unique().all()
    return dict(frame.select("finding_id", "status").iter_rows())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({1: ["a"]}, {"a": "new"}),
        ({1: ["a"], 2: ["a", "b"]}, {"a": "open", "b": "new"}),
        ({1: ["a"], 2: []}, {"a": "resolved"}),
        ({1: ["a"], 2: [], 3: ["a"]}, {"a": "reopened"}),
        ({1: ["a"], 2: [], 3: ["a"], 4: ["a"]}, {"a": "reopened"}),  # until it is resolved
        ({1: ["a"], 2: [], 3: []}, {"a": "resolved"}),
        ({1: ["a"], 2: ["a"], 3: ["a"]}, {"a": "open"}),
        ({1: [], 2: ["a"], 3: ["a"]}, {"a": "open"}),
        ({1: ["a", "a"]}, {"a": "new"}),  # two cells, one question
    ],
)
def test_what_became_of_a_query(found, expected):
    assert derive_status(found) == expected


@pytest.mark.parametrize(
    ("answer", "found", "told", "expected"),
    [
        ({}, {1: ["a"]}, {}, "answered"),
        ({}, {1: ["a"], 2: ["a"]}, {}, "answered"),
        ({}, {1: ["a"], 2: [], 3: ["a"]}, {}, "answered"),  # confirmed once for this value
        ({}, {1: ["a"], 2: []}, {}, "resolved"),
        ({}, {1: ["a"], 2: ["a"]}, {"values": {2: "88888"}}, "open"),  # another value than the confirmed one
        ({"message_en": "asked in other words"}, {1: ["a"]}, {}, "new"),
        ({"value": " 99999 "}, {1: ["a"]}, {}, "answered"),  # spreadsheet programs change blanks
        ({"value": None}, {1: ["a"]}, {"values": {1: None}}, "answered"),
        ({"answer": "not_available"}, {1: ["a"], 2: ["a"]}, {}, "answered"),
        ({"answer": "comment"}, {1: ["a"], 2: ["a"]}, {}, "answered"),
        ({"answer": "corrected"}, {1: ["a"]}, {}, "answered"),
        ({"answer": "corrected"}, {1: ["a"], 2: []}, {}, "resolved"),
        ({"answer": "corrected"}, {1: ["a"], 2: ["a"], 3: ["a"]}, {}, "answered"),  # rests until another value comes
        ({"answer": "corrected"}, {1: ["a"], 2: ["a"]}, {"values": {2: "88888"}}, "open"),
        ({"answer": "corrected"}, {1: ["a"], 2: ["a"], 3: ["a"]}, {"values": {2: "88888"}}, "open"),  # came, and went back
        ({"answer": "corrected"}, {1: ["a"], 2: [], 3: ["a"]}, {}, "reopened"),
        ({"answer": "corrected"}, {1: ["a"], 2: ["a"]}, {"severity": "reject"}, "open"),  # a record has no value that could change
        ({"answer": "corrected"}, {1: ["a"], 2: ["a"]}, {"hashes": {1: "same", 2: "same"}}, "answered"),  # only read again
        ({"answer": "corrected", "ingest_id": None}, {1: ["a"]}, {}, "new"),
        ({"hospital": "other"}, {1: ["a"]}, {}, "new"),
    ],
)  # fmt: skip
def test_an_answer_stands_as_long_as_the_question_is_the_same(answer, found, told, expected):
    assert derive_status(found, [make_answer(**answer)], **told) == {"a": expected}


def test_the_last_answer_counts():
    first, last = make_answer(answer="confirmed"), make_answer(answer="corrected", answer_id=2)
    assert derive_status({1: ["a"], 2: [], 3: ["a"]}, [last, first]) == {"a": "reopened"}
    assert derive_status({1: ["a"], 2: [], 3: ["a"]}, [{**last, "answer_id": 0}, first]) == {"a": "answered"}


def test_after_a_revert_later_ingests_do_not_count():
    assert derive_status({1: ["a"], 2: ["b"], 3: ["c"]}, current=2) == {"a": "resolved", "b": "new"}
    assert derive_status({1: ["a"], 2: ["b"], 3: ["a"]}, withdrawn={2}) == {"a": "open"}


@given(
    st.dictionaries(st.integers(1, 5), st.sets(st.sampled_from("abcd")), min_size=1), st.sets(st.sampled_from("abcd"))
)
def test_every_query_ever_found_has_one_state(found, confirmed):
    status = derive_status(found, [make_answer(name, ingest_id=min(found)) for name in sorted(confirmed)])
    last = max(found)
    assert set(status) == set().union(*found.values())
    assert {name for name, state in status.items() if state != "resolved"} == found[last]
    assert {name for name, state in status.items() if state == "answered"} == found[last] & confirmed
