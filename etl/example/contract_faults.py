"""Faults against the contracts, made from the hospitals' mappings: one for every rule that a mapping can break.

What a clinical rule needs is planted by hand (`<hospital>_faults.py`); here a text that cannot be read, a code that nobody
agreed on, an impossible number, an empty cell, a lost patient number and the like go into every mapped field in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

import polars as pl

from etl.example.fault_texts import LESION_RULES, both, filled, has, is_later_visit, is_stable
from etl.example.faults import IMPOSSIBLE_DAY, AnyFault, CellChange, CopiedRow, Fault, Wanted, accept_any
from etl.example.model import Record, SyntheticPatient
from etl.mapping.read_site import load_site
from etl.mapping.site import SHARED
from etl.settings import PACKAGE_SITES
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

_UNKNOWN_CODES = {"nanfang": "待核实", "hunan": "待核", "sysu": "99"}
_UNREADABLE_NUMBERS = {"nanfang": "见病历", "hunan": "约三", "sysu": "see chart"}
_UNREADABLE_DATES = {"nanfang": "2021年2月30日", "hunan": "2021/13/5", "sysu": "2021-02-30"}
_IMPOSSIBLE_DAYS = {"nanfang": "2091年8月12日", "hunan": "2091/8/12", "sysu": "2091-08-12"}
_UNKNOWN_PATIENTS = {"nanfang": "00999901", "hunan": "HN-99999", "sysu": "9901"}
_FAR_OUT = 1000
ContractFault = Fault | CopiedRow

_UNUSUAL: dict[tuple[str, str, str], tuple[str, str]] = {  # hospital, table, field: text and the rule's kind
    ("nanfang", "patient", "age_years"): ("97", "implausible"),
    ("nanfang", "baseline", "tumour_number"): ("60", "implausible"),
    ("nanfang", "baseline", "tumour_size_cm"): ("0.3", "implausible"),
    ("hunan", "baseline", "tumour_size_cm"): ("86", "unit_slip"),
    ("hunan", "baseline", "metastasis_site_number"): ("150", "implausible"),
    ("sysu", "baseline", "hvpg_mmhg"): ("45", "implausible"),
    ("nanfang", "metastasis", "lesion_number"): ("80", "implausible"),
    ("nanfang", "lesion", "diameter_mm"): ("300", "implausible"),
    ("hunan", "lesion", "diameter_mm"): ("32", "unit_slip"),
    ("sysu", "lesion", "viable_diameter_mm"): ("300", "implausible"),
}
_ORDINARY_ROWS: dict[str, Wanted] = {  # those on whose loss little else rests
    "laboratory": is_later_visit,
    "lesion": both(has(visit_number=1, role="target"), lambda p, _r: p.course.progression_visit != 1),
    "response": is_stable,
    "treatment": has(line_number=1, initial_dose_mg=200.0),
}
_LATER_LINE = has(line_number=2)
"""The row whose start nothing in the flow chart rests on."""
_OFTEN_EMPTY = {("lesion", "has_grown_since_tace"), ("patient", "person_id"), ("patient", "age_years")}
_CONSEQUENCES: dict[tuple[str, str], tuple[str, ...]] = {  # what else fires where the field is empty or unusual
    ("patient", "age_years"): ("age_agrees_with_birth_date",),
    ("baseline", "tumour_number"): ("tumour_number_agrees_with_lesions",),
    ("baseline", "tumour_size_cm"): ("tumour_size_agrees_with_lesions", "tumour_size_agrees_with_text"),
    ("baseline", "metastasis_site_number"): ("metastasis_number_agrees_with_organs",),
    ("baseline", "hvpg_mmhg"): ("portal_hypertension_agrees_with_hvpg",),
    ("metastasis", "organ"): ("metastasis_number_agrees_with_organs", "metastasis_organs_agree_with_lesions"),
    ("metastasis", "lesion_number"): ("metastasis_number_agrees_with_organs",),
    ("lesion", "visit_number"): LESION_RULES,
    ("lesion", "role"): LESION_RULES,
    ("lesion", "organ"): LESION_RULES,
    ("lesion", "status"): LESION_RULES,
    ("lesion", "diameter_mm"): (*LESION_RULES, "viable_diameter_within_lesion"),
    ("lesion", "viable_diameter_mm"): ("viable_diameter_within_lesion",),
    ("response", "visit_number"): ("assessment_gap_is_plausible",),
    ("treatment", "end_date"): ("treatment_ends_with_death", "stop_reason_has_end_date"),
    ("treatment", "drug"): ("first_line_is_a_combination",),
    ("treatment", "line_number"): ("first_line_is_a_combination",),
    ("procedure", "procedure_number"): ("tace_yes_has_procedure",),
    ("procedure", "procedure"): ("tace_yes_has_procedure",),
    ("laboratory", "test"): ("laboratory.value.unit",),
    ("outcome", "death_date"): ("death_has_date",),
    ("outcome", "progression_date"): ("progression_has_date",),
}


def deal_contract_faults(
    sites: Mapping[str, ModuleType], by_hand: Mapping[str, Sequence[AnyFault]]
) -> dict[str, list[ContractFault]]:
    """Return each hospital's faults: every rule that a mapping can break and nobody planted by hand, dealt out evenly."""
    planted = {rule for faults in by_hand.values() for fault in faults for rule in fault.rules}
    offers = {
        hospital: {fault.rules[0]: fault for fault in list_contract_faults(hospital, site)}
        for hospital, site in sites.items()
    }
    dealt: dict[str, list[ContractFault]] = {hospital: [] for hospital in sites}
    rules = {rule for own in offers.values() for rule in own} - planted
    for rule in sorted(rules, key=lambda rule: (_came_late(rule), rule.endswith(".after_delivery"), rule)):
        able = [hospital for hospital in sites if rule in offers[hospital]]
        hospital = min(able, key=lambda h: (sum(f.table == rule.split(".")[0] for f in dealt[h]), len(dealt[h])))
        dealt[hospital].append(offers[hospital][rule])
    return dealt


def list_contract_faults(hospital: str, site: ModuleType) -> Iterator[ContractFault]:
    """Yield a fault for every contract rule that the hospital's mapping can break."""
    mapped = dict.fromkeys(
        (column.table, column.field)
        for column in load_site(PACKAGE_SITES / hospital).columns
        if column.role == "field" and column.column and column.record in ("", SHARED)
    )
    for table, name in [*mapped, ("patient", "person_id")]:
        spec = read_contract(TABLES[table])[name]
        for kind, text in _list_texts(hospital, table, spec):
            yield _make_fault(kind, text, table, spec)
    merged = {*site.ROW_TABLES, *site.ROW_TABLES.values()}
    for table in dict.fromkeys(table for table, _ in mapped if table not in merged):
        yield CopiedRow("missing patient number", table, f"{table}.key.missing", local_id="", shares=True)
        yield CopiedRow("identical duplicate", table, f"{table}.key.duplicate", shares=True)
        if table != "patient":
            local_id = _UNKNOWN_PATIENTS[hospital]
            yield CopiedRow(
                "record of an unknown patient", table, f"{table}.patient.unknown", local_id=local_id, shares=True
            )


def _list_texts(hospital: str, table: str, spec: FieldContract) -> Iterator[tuple[str, str | CellChange]]:
    """Yield the kinds of contract rules that a field can break, and the text that breaks each."""
    is_number = spec.dtype in (pl.Float64, pl.Int64)
    if (table, spec.name) == ("laboratory", "value"):
        return
    if spec.codes is not None or spec.dtype == pl.Boolean:
        yield "code", _UNKNOWN_CODES[hospital]
    if spec.dtype == pl.Date:
        yield "unreadable", _UNREADABLE_DATES[hospital]
        yield "after_delivery", _IMPOSSIBLE_DAYS[hospital]
    if is_number:
        yield "unreadable", _UNREADABLE_NUMBERS[hospital]
    if spec.name == "person_id":
        yield "unreadable", _misspell_national_id
    if is_number and spec.possible[1] is not None:
        yield "range", f"{spec.possible[1] * _FAR_OUT:.0f}"
    if spec.is_expected:
        yield "missing", ""
    if (hospital, table, spec.name) in _UNUSUAL:
        text, kind = _UNUSUAL[hospital, table, spec.name]
        yield kind, text


def _misspell_national_id(patient: SyntheticPatient, _record: Record) -> str:
    """Return the patient's national id with another check digit."""
    number = patient.known_identity.national_id
    return number[:-1] + ("0" if number[-1] == "1" else "1")


_KINDS = {
    "code": "unknown code",
    "unreadable": "unreadable value",
    "range": "impossible value",
    "after_delivery": IMPOSSIBLE_DAY,
    "missing": "missing field",
    "implausible": "implausible value",
    "unit_slip": "unit slip",
}


def _make_fault(kind: str, text: str | CellChange, table: str, spec: FieldContract) -> Fault:
    consequences = _CONSEQUENCES.get((table, spec.name), ())
    if spec.is_key:
        consequences = (*consequences, f"{table}.key.missing")
    ordinary = _ORDINARY_ROWS.get(table, accept_any)
    if (table, spec.name, kind) == ("treatment", "start_date", "after_delivery"):
        ordinary = _LATER_LINE
    wanted = ordinary if (table, spec.name) in _OFTEN_EMPTY else both(ordinary, filled(spec.name))
    rule = f"{table}.{spec.name}.{kind}"
    return Fault(
        _KINDS[kind], table, spec.name, text, rule, consequences, wanted, shares=True, is_late=_came_late(rule)
    )


def _came_late(rule: str) -> bool:
    """Whether a rule is about a column that the example did not have at first: the faults of before stay where they were."""
    return rule.startswith("response.assessment_days.")
