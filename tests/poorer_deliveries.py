"""The example's invented patients as hospitals that send less would send them, and what is then concluded.

`python -P -m poorer_deliveries` (with tests/ on the path) prints the table of docs/lesions.md.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from etl.example.cohort import draw_patients
from schemas.contract import PROVENANCE, read_contract
from schemas.definitions.visits import number_visits
from schemas.derive import derive
from schemas.tables import TABLES

EMPTY_FLAG = pl.lit(None, dtype=pl.Boolean).alias("has_new_lesion")
ARMS = {"sora_pd1": "Sora+PD-1", "len_pd1": "Len+PD-1"}
Tables = dict[str, pl.DataFrame]


@cache
def make_full() -> Tables:
    """Every patient's records in contract types; nothing planted, a third of the responses without a word on new lesions."""
    rows: dict[str, list[dict]] = {name: [] for name in TABLES}
    for number, patient in enumerate(draw_patients()):
        for table, records in patient.records.items():
            for record in records:
                key = {"hospital": patient.hospital, "patient_id": f"p{number:04d}", "source_row": len(rows[table]) + 1}
                rows[table].append({**key, **_fill(table, record)})
    return {name: _type(name, records) for name, records in rows.items()}


def _fill(table: str, record: dict) -> dict:
    reader = {"reader": "site"} if table in ("lesion", "response") else {}
    criteria = {"criteria": "recist_1_1"} if table == "response" else {}
    return {**reader, **criteria, **record, **_read_sign(record.get("value"))}


def _read_sign(value: object) -> dict:
    """A value that the example writes in words: not detected, or a bound such as >1210."""
    if value == "not_detected":
        return {"value": None, "value_comparator": "not_detected"}
    return {"value": float(value[1:]), "value_comparator": value[0]} if isinstance(value, str) else {}


def _type(table: str, records: list[dict]) -> pl.DataFrame:
    contract = read_contract(TABLES[table])
    types = {**dict.fromkeys(PROVENANCE, pl.String), "source_row": pl.Int64}
    types |= {name: spec.dtype for name, spec in contract.items()}
    filled = [{name: record.get(name) for name in types} for record in records]
    return pl.DataFrame(filled, schema=types, strict=False)


def send_targets_only(tables: Tables) -> Tables:
    """Targets, recorded responses and outcomes; no other lesion, and no word on new ones."""
    targets = tables["lesion"].filter(pl.col("role") == "target")
    return {**tables, "lesion": targets, "response": tables["response"].with_columns(EMPTY_FLAG)}


def send_sums_only(tables: Tables) -> Tables:
    """The sums of diameters that the full list gives, recorded responses and outcomes."""
    sums = derive(tables, sent=TABLES)["assessment"].select(
        "patient_id", "visit_number", "reader", "criteria", known_mm="target_sum_from_lesions_or_record_mm"
    )
    dates = tables["lesion"].group_by("patient_id", "visit_number", "reader").agg(seen=pl.col("assessment_date").min())
    key = ["patient_id", "visit_number", "reader"]
    visits = (
        tables["lesion"]
        .select("hospital", *key)
        .unique(maintain_order=True)
        .with_columns(criteria=pl.lit("recist_1_1"))
    )
    own = tables["response"].drop("hospital")
    response = (
        visits.join(own, on=[*key, "criteria"], how="left")
        .join(sums, on=[*key, "criteria"], how="left")
        .join(dates, on=key, how="left")
        .with_columns(EMPTY_FLAG, target_sum_mm="known_mm", assessment_date=pl.coalesce("assessment_date", "seen"))
    )
    return {**tables, "lesion": tables["lesion"].clear(), "response": response.select(tables["response"].columns)}


def send_recorded_only(tables: Tables) -> Tables:
    """Recorded responses and outcomes; of the baseline only its date."""
    summed = send_sums_only(tables)
    no_sum = pl.lit(None, dtype=pl.Float64).alias("target_sum_mm")
    return {**summed, "response": summed["response"].with_columns(no_sum)}


def send_outcome_only(tables: Tables) -> Tables:
    """The outcome table, and of the assessments only the baseline's date."""
    recorded = send_recorded_only(tables)
    return {**recorded, "response": recorded["response"].filter(pl.col("visit_number") == 0)}


def send_dates_only(tables: Tables) -> Tables:
    """Everything, but no visit number: the dates group."""
    start = derive(tables, sent=TABLES)["subject"].select("patient_id", start="first_line_start_date")
    parts = [
        tables[name].select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row") + offset,
            "patient_id",
            "reader",
            visit_number=pl.lit(None, dtype=pl.Int64),
            day="assessment_date",
            lesion_id=pl.col("lesion_id") if name == "lesion" else pl.lit(None, dtype=pl.String),
            is_target=(pl.col("role") == "target") if name == "lesion" else pl.lit(value=False),
            is_unscheduled=pl.lit(value=False),
        )
        for name, offset in (("lesion", 0), ("response", tables["lesion"].height))
    ]
    numbers = number_visits(pl.concat(parts).join(start, on="patient_id", how="left")).sort("row")
    given = {}
    for name, offset in (("lesion", 0), ("response", tables["lesion"].height)):
        own = numbers.filter(pl.col("row").is_between(offset, offset + tables[name].height - 1))
        rows = (
            tables[name]
            .with_row_index("row", offset=offset)
            .with_columns(pl.col("row").cast(pl.Int64))
            .drop("visit_number")
        )
        given[name] = rows.join(own, on="row", how="left").select(tables[name].columns)
    return {**tables, **given}


POORER = {
    "targets only": send_targets_only,
    "sums only": send_sums_only,
    "recorded responses only": send_recorded_only,
    "outcome table only": send_outcome_only,
    "dates without visits": send_dates_only,
}


@cache
def conclude(kind: str) -> pl.DataFrame:
    """The subjects of every hospital from a delivery of this kind (`full` or one of `POORER`), sorted by patient."""
    tables = make_full() if kind == "full" else POORER[kind](make_full())
    subjects = []
    for hospital in sorted(tables["patient"]["hospital"].unique()):
        own = {name: frame.filter(pl.col("hospital") == hospital) for name, frame in tables.items()}
        sent = {name for name, frame in own.items() if frame.height}
        subjects.append(derive(own, sent=sent)["subject"])
    return pl.concat(subjects).sort("patient_id")


def find_recorded(tables: Tables) -> pl.DataFrame:
    """Per patient the day of the first progression that somebody recorded, in responses or outcome."""
    full = conclude("full").select("patient_id", start="first_line_start_date")
    response = (
        tables["response"].filter(pl.col("recorded_response") == "PD").select("patient_id", day="assessment_date")
    )
    outcome = tables["outcome"].filter(pl.col("has_progressed")).select("patient_id", day="progression_date")
    days = pl.concat([response, outcome]).drop_nulls("day").join(full, on="patient_id")
    return days.group_by("patient_id").agg(
        recorded_days=(pl.col("day") - pl.col("start")).dt.total_days().cast(pl.Float64).min()
    )


def compare(kind: str) -> pl.DataFrame:
    """Per patient what the full and the poorer delivery conclude, and the recorded progression."""
    names = (
        "first_progression_days",
        "first_progression_source",
        "best_response",
        "response_3_months",
        "baseline_imaging_date",
    )
    poorer = conclude(kind).select("patient_id", *(pl.col(name).alias(f"poorer_{name}") for name in names))
    return (
        conclude("full")
        .select("patient_id", "arm", "os_days", "pfs_days", *names)
        .join(poorer, on="patient_id")
        .join(find_recorded(make_full()), on="patient_id", how="left")
        .sort("patient_id")
    )


def count_table() -> str:
    """The table of docs/lesions.md."""
    rank = {name: i for i, name in enumerate(("CR", "PR", "SD", "PD", "NE", None))}
    header = [
        "delivery",
        "recorded progressions lost or late",
        "progressions earlier",
        "progressions later",
        "best response better",
        "other baseline",
    ]
    header += [f"events / median PFS (months), {label}" for label in ARMS.values()]
    header += [f"ORR at 3 months, {label}" for label in ARMS.values()]
    lines = [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    for kind in ("full", *POORER):
        pairs = compare(kind) if kind != "full" else compare("targets only")
        full, poorer = pl.col("first_progression_days"), pl.col("poorer_first_progression_days")
        counts = ["–"] * 5
        if kind != "full":
            is_late = (poorer > pl.col("recorded_days")) | (poorer.is_null() & pl.col("recorded_days").is_not_null())
            better = sum(
                rank[b] < rank[a] for a, b in pairs.select("best_response", "poorer_best_response").iter_rows()
            )
            counts = [
                pairs.filter(is_late).height,
                pairs.filter((poorer < full) | (full.is_null() & poorer.is_not_null())).height,
                pairs.filter((poorer > full) | (poorer.is_null() & full.is_not_null())).height,
                better,
                pairs.filter(pl.col("baseline_imaging_date").ne_missing(pl.col("poorer_baseline_imaging_date"))).height,
            ]
        arms = [_describe_pfs(conclude(kind), arm) for arm in ARMS]
        responses = [_describe_orr(conclude(kind), arm) for arm in ARMS]
        lines.append("| " + " | ".join(map(str, [kind, *counts, *arms, *responses])) + " |")
    return "\n".join(lines)


def _describe_pfs(subject: pl.DataFrame, arm: str) -> str:
    own = subject.filter(pl.col("arm") == arm, pl.col("pfs_days").is_not_null()).sort("pfs_days")
    n, survival, median = own.height, 1.0, None
    for at_risk, (days, event) in zip(range(n, 0, -1), own.select("pfs_days", "pfs_event").iter_rows(), strict=True):
        survival *= 1 - event / at_risk
        if survival <= 0.5 and median is None:
            median = days / (365.25 / 12)
    return f"{own['pfs_event'].sum()} / {median:.1f}" if median else f"{own['pfs_event'].sum()} / –"


def _describe_orr(subject: pl.DataFrame, arm: str) -> str:
    own = subject.filter(pl.col("arm") == arm)
    return f"{100 * own['response_3_months'].is_in(['CR', 'PR']).sum() / own.height:.1f} %"


if __name__ == "__main__":
    print(count_table())
