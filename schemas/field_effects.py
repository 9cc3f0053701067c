"""Which results of the study hang on a field: found by changing the field of an invented patient and deriving anew.

Nothing is listed by hand. The search takes seconds, so its answer stands in `field_effects.csv`, which `make docs` writes and
a test holds to the code.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import Path

import polars as pl

from schemas.contract import PROVENANCE, FieldContract, read_contract, read_key
from schemas.derive import derive
from schemas.example_patient import edit_patient, make_frame
from schemas.package_data import find_data, find_folder
from schemas.quantity import find_long_field
from schemas.tables import TABLES


class Result(Enum):
    """A part of the study's results: its id and its name in both languages."""

    ELIGIBILITY = "eligibility", "who is analysed", "入组"
    BASELINE = "baseline", "baseline table and matching", "基线表与匹配"
    OVERALL_SURVIVAL = "os", "overall survival", "总生存期"
    PROGRESSION_FREE_SURVIVAL = "pfs", "progression-free survival", "无进展生存期"
    RESPONSE = "response", "tumour response", "肿瘤疗效"
    SAFETY = "safety", "adverse events", "不良反应"

    def __init__(self, result_id: str, en: str, zh: str) -> None:
        self.result_id, self.en, self.zh = result_id, en, zh


PATTERNS = {
    Result.ELIGIBILITY: "^(is_met_.*|arm)$",
    Result.BASELINE: "^.*_level$",
    Result.OVERALL_SURVIVAL: "^os_.*$",
    Result.PROGRESSION_FREE_SURVIVAL: "^pfs_.*$",
    Result.RESPONSE: "^(response_._months|best_.*|first_response_days)$",
}
"""The derived columns that each result is computed from; adverse events are read as they are."""

SETTINGS = (
    "",
    "-lesion; response[1].target_sum_mm=110; response[2].target_sum_mm=70; response[3].target_sum_mm=75; outcome.has_progressed=; "
    "outcome.progression_date=",
    "-lesion; outcome.vital_status=alive; outcome.death_date=; patient.age_years=; baseline.child_pugh_class=; baseline.pvtt_type=; "
    "baseline.tumour_size_cm=; baseline.tumour_size_text=8*6; baseline.hvpg_mmhg=; baseline.has_tace=; "
    "metastasis[1].lesion_number=; metastasis[2].lesion_number=; laboratory[6].test=hbv_dna_copies_ml; laboratory[6].value=9000",
    "-lesion; -response",
    "-lesion; -response; outcome.has_progressed=; outcome.progression_date=",
    "lesion[4].status=absent; lesion[4].diameter_mm=; lesion[5].diameter_mm=8; lesion[6].status=absent",
    "-response; baseline.ascites=; baseline.pvtt_text=; baseline.metastasis_site_number=; treatment[1].stop_reason=; "
    "treatment[1].end_date=",
    "-lesion; patient.birth_date=; treatment[1].start_date=; treatment[2].start_date=; outcome.last_contact_date=; outcome.death_date=; "
    "outcome.progression_date=; outcome.overall_survival_days=275; outcome.progression_days=101; response[2].assessment_date=; "
    "response[2].assessment_days=45; response[3].assessment_date=; response[3].assessment_days=101; "
    "response[3].recorded_response=",
)
"""The same patient as different hospitals send him: a field that another one outweighs has its effect where that is not sent."""

EFFECTS = find_folder("schemas") / "field_effects.csv"

Variation = tuple[str, str]


@cache
def read_field_effects() -> dict[Variation, tuple[Result, ...]]:
    """Return the results that hang on each (table, field), as `find_field_effects` found them."""
    by_id = {result.result_id: result for result in Result}
    with find_data("schemas", EFFECTS.name).open(encoding="utf-8", newline="") as file:
        return {
            (row["table"], row["field"]): tuple(by_id[name] for name in row["results"].split())
            for row in csv.DictReader(file)
        }


def list_field_effects(table: str, field: str | None) -> tuple[Result, ...]:
    """Return the results that hang on a field, a key or no field meaning the whole record; of a patient all.

    In the laboratory `field` is the test, of visit 0: later values enter no result.
    """
    known = read_field_effects()
    if field is not None and (table, field) in known:
        return known[table, field]
    if table == "patient":
        return tuple(Result)
    found = {result for (owner, _), results in known.items() if owner == table for result in results}
    return tuple(result for result in Result if result in found)


def write_field_effects(path: Path) -> None:
    """Write table, field and the results that hang on it, found anew."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("table", "field", "results"))
        for (table, field), results in find_field_effects().items():
            lines.writerow((table, field, " ".join(result.result_id for result in results)))


def find_field_effects() -> dict[Variation, tuple[Result, ...]]:
    """Return the results that change with each (table, field) of the contracts that is no key, in the order of `Result`.

    A value of the laboratory counts by its test, at visit 0: (`laboratory`, `afp_ng_ml`).
    """
    effects: dict[Variation, set[Result]] = {variation: set() for variation in _list_variations()}
    for setting in SETTINGS:
        for variation, results in _find_effects(setting).items():
            effects[variation] |= results
    for (table, _), results in effects.items():
        if table == "adverse_event":
            results.add(Result.SAFETY)
    return {variation: tuple(result for result in Result if result in found) for variation, found in effects.items()}


def _list_variations() -> list[Variation]:
    """Every field of the contracts that is no key; of the laboratory the tests that the example patient has."""
    tests = [row["test"] for row in edit_patient("")["laboratory"] if row["visit_number"] == "0"]
    fields = [
        (table, name)
        for table, model in TABLES.items()
        for name in read_contract(model)
        if name not in (*read_key(model), *PROVENANCE) and not find_long_field(model)
    ]
    return [*fields, *(("laboratory", str(test)) for test in (*tests, "hbv_dna_copies_ml"))]


def _find_effects(setting: str) -> dict[Variation, set[Result]]:
    """Derive the patient of one setting with every cell emptied and with every cell changed, all as one hospital."""
    own = {
        name: make_frame(name, [{**row, "patient_id": "base"} for row in rows])
        for name, rows in edit_patient(setting).items()
    }
    patients: dict[str, Variation] = {}
    stacks = {name: [frame] for name, frame in own.items()}
    for variation in _list_variations():
        for changed in _vary(own[variation[0]], variation):
            patient = str(len(patients))
            patients[patient] = variation
            for table, frame in {**own, variation[0]: changed}.items():
                stacks[table].append(frame.with_columns(patient_id=pl.lit(patient)))
    sent = [name for name, frame in own.items() if frame.height]
    derived = derive({name: pl.concat(frames) for name, frames in stacks.items()}, sent=sent)
    return _compare(derived, patients)


def _vary(frame: pl.DataFrame, variation: Variation) -> Iterator[pl.DataFrame]:
    """Yield the table with the field emptied, and with it changed: in each record alone, then in all together."""
    table, name = variation
    long = find_long_field(TABLES[table])
    column = long.name if long else name
    rows = frame.with_row_index("row")
    meant = (rows.filter(pl.col(str(long.quantity_from)) == name) if long else rows)["row"].to_list()
    for chosen in [*([row] for row in meant), meant]:
        for value in (pl.lit(None), *_list_changes(read_contract(TABLES[table])[column])):
            changed = pl.when(pl.col("row").is_in(chosen)).then(value).otherwise(pl.col(column))
            yield rows.with_columns(changed.cast(frame.schema[column]).alias(column)).drop("row")


def _list_changes(spec: FieldContract) -> list[pl.Expr]:
    """Other values of the field: every code; not; 200 days later and earlier; ten times; words that nobody understands."""
    value = pl.col(spec.name)
    if spec.codes:
        return [pl.lit(code.value) for code in spec.codes]
    if spec.dtype == pl.Boolean:
        return [~value]
    if spec.dtype == pl.Date:
        return [value + timedelta(days=200), value - timedelta(days=200)]
    return [value * 10 + 1 if spec.dtype.is_numeric() else pl.lit("?")]


def _compare(derived: dict[str, pl.DataFrame], patients: dict[str, Variation]) -> dict[Variation, set[Result]]:
    """Find, per variation, the results whose columns differ from the patient's as he was."""
    verdicts = (
        derived["eligibility"]
        .with_columns(criterion_id="is_met_" + pl.col("criterion_id"))
        .pivot("criterion_id", index="patient_id", values="is_met")
    )
    subject = derived["subject"].join(verdicts, on="patient_id")
    base = subject.filter(patient_id="base")
    effects: dict[Variation, set[Result]] = {variation: set() for variation in patients.values()}
    for result, pattern in PATTERNS.items():
        columns = subject.select(pattern).columns
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.lit(base[name][0])) for name in columns)
        for patient in subject.filter(differs, pl.col("patient_id") != "base")["patient_id"]:
            effects[patients[patient]].add(result)
    return effects
