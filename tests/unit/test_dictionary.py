"""The committed data dictionary and rule catalogue are what the code says now."""

from pathlib import Path

import pytest

from schemas import dictionary
from schemas.contract import read_contract
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
