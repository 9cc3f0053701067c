"""Every rule against its own examples: schemas/rules/cases/<rule id>.csv, one case a line.

`edits` change the correct patient (schemas/rules/cases/correct_patient.md, schemas/example_patient.py); `expected` is the rule's verdict on that patient:
`fail` (a record fails), `pass` (one passes, none fails), `unknown` (no record can be judged).
"""

import polars as pl
import pytest
from clinical_tables import derive_case, make_case

from schemas.derive import derive, join_subject
from schemas.example_patient import CASES_PACKAGE, MissingCaseError, find_case, read_cases, read_correct_patient
from schemas.package_data import find_folder
from schemas.rules import RULES
from schemas.rules.rule import SUBJECT
from schemas.tables import TABLES

CASES = [
    pytest.param(rule_id, case.edits, case.expected, id=f"{rule_id}-{number}-{case.expected}")
    for rule_id in sorted(path.stem for path in find_folder(CASES_PACKAGE).glob("*.csv"))
    for number, case in enumerate(read_cases(rule_id), start=1)
]


def judge(rule_id, edits):
    """The verdict on p1, after checking that there is one verdict a record and that p2 is not asked."""
    rule = RULES[rule_id]
    tables, derived = derive_case(edits)
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    judged = join_subject(rule.table, records, derived).with_columns(verdict=rule.expression())
    assert judged.height == records.height
    assert judged.schema["verdict"] == pl.Boolean
    assert not (judged.filter(pl.col("patient_id") == "p2")["verdict"] == False).any()  # noqa: E712
    own = judged.filter(pl.col("patient_id") == "p1")["verdict"].drop_nulls()
    return "unknown" if own.is_empty() else "pass" if own.all() else "fail"


@pytest.mark.parametrize(("rule_id", "edits", "expected"), CASES)
def test_rule_gives_the_verdict_of_its_case(rule_id, edits, expected):
    assert judge(rule_id, edits) == expected


def test_a_copied_visit_is_asked_about_once_at_its_first_test_by_name():
    """Four tests of visit 1 as at the baseline: the question stands at albumin."""
    rule = RULES["samples_are_not_copied"]
    tables, derived = derive_case(find_case("samples_are_not_copied", "fail").edits)
    judged = join_subject(rule.table, tables[rule.table], derived).with_columns(verdict=rule.expression())
    asked = judged.filter(~pl.col("verdict")).select("patient_id", "visit_number", "test")
    assert asked.rows() == [("p1", 1, "albumin_g_l")]


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_every_rule_has_a_passing_and_a_failing_case(rule_id):
    for verdict in ("pass", "fail"):
        find_case(rule_id, verdict)


def test_a_rule_without_cases_is_told_what_to_write():
    with pytest.raises(
        MissingCaseError, match=r"write schemas/rules/cases/a_new_rule\.csv with a pass and a fail line"
    ):
        find_case("a_new_rule", "pass")


def test_a_table_that_the_correct_patient_lacks_is_told_what_to_write(monkeypatch):
    monkeypatch.setitem(TABLES, "radiotherapy", TABLES["procedure"])
    with pytest.raises(MissingCaseError, match=r"no radiotherapy: write a section `## <table>` .*correct_patient\.md"):
        read_correct_patient()


def test_every_case_file_belongs_to_a_rule():
    assert {case.values[0] for case in CASES} <= set(RULES)


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_no_rule_asks_about_the_correct_patient(rule_id):
    assert judge(rule_id, "") in ("pass", "unknown")


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_a_rule_points_at_a_column_and_speaks_both_languages(rule_id):
    rule = RULES[rule_id]
    tables, derived = derive_case("")
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    assert rule.field in records.columns
    assert rule.en.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in rule.zh)
    assert rule.source
    assert rule.expression.__doc__


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_a_rule_finds_nothing_to_judge_in_empty_tables(rule_id):
    tables = {name: frame.clear() for name, frame in make_case("").items()}
    derived = derive(tables, sent=TABLES)
    rule = RULES[rule_id]
    records = derived[SUBJECT] if rule.table == SUBJECT else tables[rule.table]
    verdict = join_subject(rule.table, records, derived).select(rule.expression().alias("verdict"))
    assert verdict.height == 0
    assert verdict.schema["verdict"] == pl.Boolean
