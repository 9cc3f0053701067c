"""A bound that is open at a limit of the study alone is read as beyond it, and that is said once per column."""

import polars as pl
import pytest

from etl.quality.continuity import find_bounds_at_a_limit


def tell(rows):
    """What is told of records (column, test, sign, value)."""
    names = ["source_column", "test", "value_comparator", "value"]
    schema = {**dict.fromkeys(names[:3], pl.String), "value": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return list(
        find_bounds_at_a_limit(frame.with_columns(source_file=pl.lit("labs.csv"), source_sheet=pl.lit(None, pl.String)))
    )


def test_it_is_said_once_per_column_with_how_many_values():
    told = tell(
        [("AFP", "afp_ng_ml", ">=", 400.0)] * 7 + [("AFP2", "afp_ng_ml", ">=", 400.0), ("AFP", "afp_ng_ml", "=", 400.0)]
    )
    assert [(kind, n) for kind, n, _ in told] == [("bound_at_limit", 7), ("bound_at_limit", 1)]
    assert "labs.csv / AFP, afp_ng_ml: 7 value(s) written >=400 are read as above 400" in told[0][2].en
    assert "7 个写作 >=400 的数值按高于研究分界点 400 处理" in told[0][2].zh


@pytest.mark.parametrize(
    ("test", "sign", "value", "side"),
    [
        ("alt_u_l", ">=", 40.0, "above"), ("ast_u_l", ">=", 40.0, "above"), ("hbv_dna_iu_ml", ">=", 2000.0, "above"),
        ("hbv_dna_copies_ml", ">=", 12000.0, "above"), ("bilirubin_umol_l", "<=", 34.0, "below"),
        ("bilirubin_umol_l", ">=", 51.0, "above"), ("albumin_g_l", "<=", 28.0, "below"), ("albumin_g_l", ">=", 35.0, "above"),
        ("inr", "<=", 1.7, "below"), ("inr", ">=", 2.3, "above"), ("pt_prolongation_s", "<=", 4.0, "below"),
        ("afp_ng_ml", "<=", 400.0, None), ("afp_ng_ml", ">", 400.0, None), ("afp_ng_ml", ">=", 401.0, None),
        ("bilirubin_umol_l", "<", 34.0, None), ("platelets_10e9_l", ">=", 100.0, None),
    ],
)  # fmt: skip
def test_only_what_is_open_at_the_limit_alone_is_told(test, sign, value, side):
    told = tell([("c", test, sign, value)])
    assert [side in text.en for _, _, text in told] == ([] if side is None else [True])
