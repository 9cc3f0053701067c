"""The committed data dictionary and rule catalogue are what the code says now."""

from pathlib import Path

import polars as pl
import pytest

from etl.judging.between_hospitals import SAME_PATIENT_RULE
from etl.judging.contract import PERSONAL_DATA_RULE
from etl.judging.findings import RECORD_SENTENCES
from schemas import dictionary, rule_catalogue
from schemas.contract import read_contract
from schemas.contract_checks import CELL_KINDS, CONTRACT_CHECKS
from schemas.derive import derive
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.example_words import ENGLISH
from schemas.recorded_rules import hash_expression, list_gone, list_rules, read_recorded
from schemas.rule_examples import describe_example
from schemas.rules import CRITERIA, RULES
from schemas.tables import TABLES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "data-dictionary.md": dictionary.write_dictionary,
    "rule-catalogue.md": rule_catalogue.write_rule_catalogue,
}


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_current(name, tmp_path):
    PAGES[name](tmp_path / name)
    committed, current = (DOCS / name).read_text(encoding="utf-8"), (tmp_path / name).read_text(encoding="utf-8")
    assert committed == current, f"docs/{name} is out of date: run `make docs`"


def test_every_field_stands_in_the_dictionary_with_its_meaning_and_chinese_name():
    text = dictionary.render_dictionary()
    for table in TABLES.values():
        for field in read_contract(table).values():
            assert f"| `{field.name}`<br>{field.zh} | {field.meaning}" in text


def test_every_limit_of_a_field_says_why_it_lies_there():
    for name, table in TABLES.items():
        for field in read_contract(table).values():
            has_limits = (field.possible, field.plausible) != ((None, None), (None, None))
            assert bool(field.reason) == has_limits, (name, field.name)


def test_every_rule_and_criterion_stands_in_the_catalogue_once():
    """The committed page is read: that it is current is tested above, and to make it takes a while."""
    text = (DOCS / "rule-catalogue.md").read_text(encoding="utf-8")
    for name in RULES:
        assert text.count(f"\n`{name}` · ") == 1
    for name in CRITERIA:
        assert text.count(f"<br>`{name}` |") == 1
    assert f"**{len(RULES)} clinical rules**" in text


def test_the_catalogue_says_which_rules_are_new_and_which_changed_since_the_recorded_version():
    """The recorded rules are those of `tests/rules/record_rules.py`; what is compared here is one of each kind."""
    text = (DOCS / "rule-catalogue.md").read_text(encoding="utf-8")
    version, before = read_recorded()
    assert f"Since {version}: **{len(RULES) - len(before) + len(list_gone())} clinical rules are new" in text
    new = next(name for name in RULES if name not in before)
    assert f"\n`{new}` · " in text
    assert rule_catalogue.describe_change(new) == rule_catalogue.NEW
    for name, record in before.items():
        if name in RULES and record.list_changes(list_rules()[name]):
            assert rule_catalogue.describe_change(name) not in (None, rule_catalogue.NEW)
            assert record.en == RULES[name].en or record.en in text


def test_a_rule_that_computes_something_else_is_seen_to_have_changed():
    drugs = [f"drug {number}" for number in range(50)]
    others = [*drugs[:25], "another", *drugs[26:]]
    assert hash_expression(pl.col("drug").is_in(drugs)) == hash_expression(pl.col("drug").is_in(drugs))
    assert hash_expression(pl.col("drug").is_in(drugs)) != hash_expression(pl.col("drug").is_in(others))


def test_an_example_tells_what_is_changed_and_what_the_rule_then_sees():
    """Written by hand from the first cases of each file and the correct patient's tables."""
    assert describe_example(RULES["birth_before_diagnosis"], "fail", ENGLISH) == (
        "patient: birth date 2020-02-01 instead of 1962-06-15. The rule sees: birth date 2020-02-01, diagnosis date 2020-02-01."
    )
    assert describe_example(RULES["birth_before_diagnosis"], "pass", ENGLISH) == (
        "the example patient, unchanged. The rule sees: birth date 1962-06-15, diagnosis date 2020-02-01."
    )
    assert describe_example(RULES["tace_yes_has_procedure"], "fail", ENGLISH) == (
        "without any procedure record. The rule sees: TACE yes, combined TACE number 0."
    )
    assert describe_example(RULES["pt_agrees_with_inr"], "fail", ENGLISH).startswith(
        "laboratory (visit 0, pt_prolongation_s) added: sample date 2020-02-25, value 6.1. The rule sees: INR 1.1"
    )
    assert describe_example(RULES["first_line_is_recorded"], "fail", ENGLISH) == (
        "without any treatment record. The rule sees: arm empty, treatment number 0."
    )


def test_every_derived_column_is_described_and_none_else():
    empty = {
        name: pl.DataFrame(schema={field: column.dtype.type for field, column in table.to_schema().columns.items()})
        for name, table in TABLES.items()
    }
    for name, frame in derive(empty, sent=TABLES).items():
        assert set(DERIVED_COLUMNS[name]) == set(frame.columns)


WHAT_THE_STUDY_LACKS = {"study.<requirement>.unknown", "study.not_sent"}
"""Asked last, about whatever nothing else has asked (`etl/judging/unasked.py`)."""


def test_the_catalogue_names_every_kind_of_finding_that_is_no_clinical_rule():
    """The checks live in etl; the catalogue, which may not import it, lists their kinds."""
    kinds = {check.rule_id.replace("<table>.", "").replace("<field>.", "") for check in CONTRACT_CHECKS}
    kinds = {kind.removeprefix("response.") for kind in kinds}  # one is of this table alone
    made = {
        *CELL_KINDS,
        *RECORD_SENTENCES,
        "implausible",
        "missing",
        PERSONAL_DATA_RULE,
        SAME_PATIENT_RULE,
        "cell.stray",
        "row.shifted",
        "row.odd_number",
        *WHAT_THE_STUDY_LACKS,
    }
    assert made == kinds
