"""The order in which a table declares its fields means nothing: shuffled, a delivery is judged and derived the same.

Records that lack a part of their key are told apart by their text; its hash stands in the ids of their findings, which
hospitals answer. So it must outlive a change of the contract as well.
"""

import copy
from random import Random

import polars as pl
import pytest
from judged_delivery import SITE, judge_mapped
from oracle.invented_delivery import make_delivery
from oracle.test_contract_oracle import KEY, make_mapped
from polars.testing import assert_frame_equal

from schemas.contract import PROVENANCE, Table, read_contract
from schemas.row_text import FIRST_FIELDS, compute_row_text
from schemas.tables import TABLES


@pytest.fixture
def own_contracts():
    """Contracts are read once; what a test declares is read for itself, and forgotten after it."""
    yield read_contract.cache_clear
    read_contract.cache_clear()


def shuffle_fields(monkeypatch, seed):
    """Let every table declare its fields in another order."""
    declare = Table.to_schema.__func__

    def declare_shuffled(table):
        schema = copy.copy(declare(table))
        names = [name for name in schema.columns if name not in PROVENANCE]
        Random(f"{seed} {table.__name__}").shuffle(names)
        schema.columns = {name: schema.columns[name] for name in (*PROVENANCE, *names)}
        return schema

    monkeypatch.setattr(Table, "to_schema", classmethod(declare_shuffled))


def collect(delivery, seed=None):
    """Everything that comes of a delivery, with columns and lines in an order of their own; texts shuffled by the seed."""
    mapped = make_mapped(delivery)
    if seed is not None:
        for table, texts in mapped.records.items():
            mapped.records[table] = texts.select(Random(seed).sample(texts.columns, len(texts.columns)))
    validated = judge_mapped(mapped, SITE, key=KEY)
    frames = {**validated.tables, **{f"derived {name}": frame for name, frame in validated.derived.items()}}
    for name in ("findings", "rule_outcomes", "quarantine", "completeness"):
        frames[name] = getattr(validated, name)
    return {name: frame.select(sorted(frame.columns)) for name, frame in frames.items()}


@pytest.mark.parametrize("seed", [5, 10, 24])
def test_a_delivery_comes_out_the_same_whatever_the_order_of_fields(monkeypatch, own_contracts, seed):
    delivery = make_delivery(seed)
    expected = collect(delivery)
    declared = {name: list(read_contract(model)) for name, model in TABLES.items()}
    shuffle_fields(monkeypatch, seed)
    own_contracts()
    assert any(list(read_contract(model)) != declared[name] for name, model in TABLES.items())
    found = collect(delivery, seed)
    assert expected["findings"]["record_key"].str.starts_with("row ").any()
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame, check_row_order=name != "completeness")


def test_the_order_of_a_key_is_declared():
    """The key's text stands in the ids of findings."""
    for model in TABLES.values():
        places = sorted(spec.key_place for spec in read_contract(model).values() if spec.is_key)
        assert places == list(range(1, len(places) + 1))


def read_text(table, **cells):
    frame = pl.DataFrame({name: [text] for name, text in cells.items()}, schema=dict.fromkeys(cells, pl.String))
    return frame.select(compute_row_text(table, frame.columns)).item()


def test_a_records_text_outlives_the_contract():
    whole = dict.fromkeys(FIRST_FIELDS["metastasis"]) | {"organ": "lung", "lesion_number": "3"}
    assert read_text("metastasis", **whole) == "lung\x1f3"
    assert read_text("metastasis", **dict(reversed(whole.items()))) == "lung\x1f3"
    assert read_text("metastasis", organ="lung", is_painful=None) == read_text(
        "metastasis", organ="lung", lesion_number=None
    )
    assert (
        read_text("metastasis", organ="lung", is_painful="yes", side="left")
        == "lung\x1f\x1fis_painful=yes\x1fside=left"
    )
    assert read_text("new_table", organ="lung", side=None) == "\x1forgan=lung"


def test_the_first_fields_are_those_of_the_contracts():
    """None of them has been dropped or renamed; a test that fails here asks to keep the name in `FIRST_FIELDS` all the same."""
    assert {name: set(fields) - set(read_contract(TABLES[name])) for name, fields in FIRST_FIELDS.items()} == {
        name: set() for name in FIRST_FIELDS
    }
