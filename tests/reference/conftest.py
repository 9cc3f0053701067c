"""Values from outside the project: R's output for a public data set, and fuller ones where they are at hand."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from analysis.estimators.matching import match_nearest

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[2].parent / "shared"


class RValues:
    """Numbers written by an R script, by name; `all("efron.coef")` gives `efron.coef.1`, `.2`, ... in order."""

    def __init__(self, values: dict[str, float | None]) -> None:
        self.values = values

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]

    def pick(self, prefix: str) -> dict[str, float | None]:
        """Values by the last part of their names, for parts that are names and not numbers in order."""
        start = prefix + "."
        return {name.removeprefix(start): value for name, value in self.values.items() if name.startswith(start)}

    def all(self, prefix: str) -> list[float | None]:
        found = [value for name, value in self.values.items() if name.startswith(prefix + ".")]
        assert found, f"no value {prefix}"
        return found


def read_values(name: str) -> RValues:
    with (HERE / name).open(encoding="utf-8") as file:
        rows = {row["name"]: row["value"] for row in csv.DictReader(file)}
    return RValues({name: None if value in {"NA", "NaN"} else float(value) for name, value in rows.items()})


@pytest.fixture(scope="session")
def r() -> RValues:
    return read_values("estimators.csv")


@pytest.fixture(scope="session")
def r_weighted() -> RValues:
    return read_values("weighted.csv")


@pytest.fixture(scope="session")
def veteran() -> pl.DataFrame:
    """Veterans' lung cancer trial; `celltype` in R's order of levels, `months` rounded up so that many times tie."""
    cell = pl.Enum(["squamous", "smallcell", "adeno", "large"])
    frame = pl.read_csv(HERE / "veteran.csv").with_columns(pl.col("celltype").cast(cell))
    return frame.with_columns(months=(pl.col("time") / 30.4375).ceil())


@pytest.fixture(scope="session")
def matched_pairs(veteran) -> pl.DataFrame:
    """The first 25 patients of arm 2, each with the patient of arm 1 nearest in Karnofsky score; `pair` numbers them."""
    many = veteran.filter((pl.col("trt") == 1) | ((pl.col("trt") == 2).cum_sum() <= 25))
    pairs = match_nearest(many["karno"], many["trt"] == 2, caliper_sd=None).pairs
    chosen = [many[pairs[row]].with_columns(pair=pairs["pair"]) for row in ("treated_row", "control_row")]
    return pl.concat(chosen)


@pytest.fixture(scope="session")
def shared_reference() -> dict:
    path = SHARED / "reference" / "r_reference.json"
    if not path.is_file():
        pytest.skip("the fuller set of R values (../shared/reference) is not at hand")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def read_shared(shared_reference):
    """Reads a data set that belongs to the fuller R values."""

    def read(relative: str) -> pl.DataFrame:
        return pl.read_csv(SHARED / relative, null_values=["", "NA"], infer_schema_length=None)

    return read
