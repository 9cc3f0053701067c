"""Values that look like a slip of the unit and have a witness in the record that they are none: they are asked about, and kept.

A value is set aside as a slip where another unit of it would be usual. Where it is possible as it stands and a second measurement agrees with
it, the value counts; that it lies outside the plausible limits is still asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.judging.confirm import put_in_place
from etl.mapping.records import RECORD, TypedRecords
from etl.mapping.units import UNIT_SLIP
from schemas.codes import LabTest, Organ

SIZE_TOLERANCE = 0.2
"""Two measurements of one lesion differ by up to a fifth (RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026)."""
LOW_BILIRUBIN_UMOL_L = 2.0
NORMAL_ALBUMIN_G_L = 35
NORMAL_INR = 1.2


def keep_witnessed(records: Mapping[str, TypedRecords]) -> dict[str, TypedRecords]:
    """Return the records with the witnessed values in place; these are no faults any more.

    Witnesses are, of a tumour size, a liver lesion of that diameter on any image; of a bilirubin from 2 umol/L on, a normal albumin and
    a normal INR of the same visit, beside which a healthy liver's bilirubin may be low.
    """
    kept = dict(records)
    if "baseline" in kept and "lesion" in kept:
        kept["baseline"] = _keep(kept["baseline"], "tumour_size_cm", _find_sizes(kept["baseline"], kept["lesion"]))
    if "laboratory" in kept:
        kept["laboratory"] = _keep(kept["laboratory"], "value", _find_bilirubin(kept["laboratory"]))
    return kept


def _list_slips(records: TypedRecords, name: str) -> pl.DataFrame:
    """Return the faults of a field that are slips with a reading, with what stands in their records."""
    slips = records.faults.filter(
        (pl.col("field") == name) & (pl.col("kind") == UNIT_SLIP) & pl.col("reading").is_not_null()
    )
    return slips.join(records.frame, on=RECORD, how="inner", maintain_order="left")


def _find_sizes(baseline: TypedRecords, lesion: TypedRecords) -> pl.DataFrame:
    slips = _list_slips(baseline, "tumour_size_cm")
    measured = lesion.frame.filter(pl.col("organ") == Organ.LIVER.value).select("patient_id", lesion_mm="diameter_mm")
    pairs = slips.join(measured, on="patient_id", how="inner", maintain_order="left")
    size_mm = pl.col("reading") * 10
    return pairs.filter((pl.col("lesion_mm") - size_mm).abs() <= SIZE_TOLERANCE * size_mm).select(RECORD).unique()


def _find_bilirubin(laboratory: TypedRecords) -> pl.DataFrame:
    visit = ["patient_id", "visit_number"]
    slips = _list_slips(laboratory, "value").filter(
        (pl.col("test") == LabTest.BILIRUBIN.value) & (pl.col("reading") >= LOW_BILIRUBIN_UMOL_L)
    )
    value, test = pl.col("value"), pl.col("test")
    is_normal = ((test == LabTest.ALBUMIN.value) & (value >= NORMAL_ALBUMIN_G_L)) | (
        (test == LabTest.INR.value) & (value <= NORMAL_INR)
    )
    normal = (
        laboratory.frame.filter(is_normal).group_by(visit).agg(n=pl.col("test").n_unique()).filter(pl.col("n") == 2)
    )
    return slips.join(normal, on=visit, how="semi").select(RECORD)


def _keep(records: TypedRecords, name: str, found: pl.DataFrame) -> TypedRecords:
    """Return the records with the readings of these records' cells in place."""
    is_field = pl.col("field") == name
    cells = records.faults.filter(is_field).join(found, on=RECORD, how="semi", maintain_order="left")
    if cells.is_empty():
        return records
    left = records.faults.join(cells, on=[RECORD, "field"], how="anti", maintain_order="left")
    return replace(records, frame=put_in_place(records.frame, name, cells), faults=left)
