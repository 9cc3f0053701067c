"""The committed data dictionary and rule catalogue are what the code says now."""

from pathlib import Path

import polars as pl
import pytest

from etl.between_hospitals import SAME_PATIENT_RULE
from etl.findings import RECORD_SENTENCES
from etl.judge_contract import CELL_KINDS, PERSONAL_DATA_RULE
from schemas import dictionary
from schemas.contract import read_contract
from schemas.derive import derive
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.rules import CRITERIA, RULES
from schemas.tables import TABLES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "data-dictionary.md": dictionary.write_dictionary,
    "rule-catalogue.md": dictionary.write_rule_catalogue,
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
            assert f"| `{field.name}` | {field.zh} | {field.meaning}" in text


def test_every_rule_and_criterion_stands_in_the_catalogue_once():
    text = dictionary.render_rule_catalogue()
    for name in (*RULES, *CRITERIA):
        assert text.count(f"| `{name}` |") == 1


def test_every_derived_column_is_described_and_none_else():
    empty = {
        name: pl.DataFrame(schema={field: column.dtype.type for field, column in table.to_schema().columns.items()})
        for name, table in TABLES.items()
    }
    for name, frame in derive(empty).items():
        assert set(DERIVED_COLUMNS[name]) == set(frame.columns)


def test_the_catalogue_names_every_kind_of_finding_that_is_no_clinical_rule():
    """The checks live in etl; the catalogue, which may not import it, lists their kinds."""
    kinds = {rule_id.replace("<table>.", "").replace("<field>.", "") for rule_id, _, _ in dictionary.CONTRACT_CHECKS}
    made = {
        *CELL_KINDS,
        *RECORD_SENTENCES,
        "implausible",
        "missing",
        PERSONAL_DATA_RULE,
        SAME_PATIENT_RULE,
        "cell.stray",
    }
    assert made == kinds
