"""Nothing that breaks a table's contract is loaded, whichever column it stands in and whatever it breaks."""

import polars as pl
import pytest

from etl.errors import InternalError
from etl.judging.validate import hold_to_contracts
from schemas.example_patient import make_case
from schemas.tables import TABLES

CORRECT = make_case("")
OUTSIDE = {"isin": "no such code", "greater_than_or_equal_to": -(10**6), "less_than_or_equal_to": 10**9}


def list_breaks(name):
    """Each column of a table with a value that its contract forbids."""
    for column, spec in TABLES[name].to_schema().columns.items():
        if not spec.nullable:
            yield column, None
        yield from ((column, OUTSIDE[check.name]) for check in spec.checks)


def test_correct_records_pass():
    hold_to_contracts(CORRECT)
    hold_to_contracts({name: frame.clear() for name, frame in CORRECT.items()})


@pytest.mark.parametrize("name", TABLES)
def test_every_constraint_of_every_column_is_held(name):
    frame = CORRECT[name]
    for column, wrong in list_breaks(name):
        value = pl.lit(wrong, dtype=frame.schema[column])
        broken = frame.with_columns(
            pl.when(pl.int_range(pl.len()) == frame.height - 1).then(value).otherwise(column).alias(column)
        )
        with pytest.raises(InternalError, match=rf"'{name}' do not pass their contract: \[\('{column}'"):
            hold_to_contracts({name: broken})


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_its_type_and_no_other_is_there(name):
    frame = CORRECT[name]
    others = [
        frame.with_columns(pl.col(column).cast(pl.Binary if dtype == pl.String else pl.String))
        for column, dtype in frame.schema.items()
    ]
    for broken in [*others, frame.with_columns(surplus=pl.lit(1)), frame.drop(frame.columns[-1])]:
        with pytest.raises(InternalError, match=f"Accepted records of '{name}' are not as declared"):
            hold_to_contracts({name: broken})
