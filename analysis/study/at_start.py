"""What a study asks of a patient, and which of it is known at the start of therapy: from the records of the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from analysis.study.cohort import name_arms, type_values
from analysis.study.conditions import meet_all
from analysis.study.endpoint_times import START_COLUMN
from analysis.study.flow_steps import list_steps
from analysis.study.population import Condition
from analysis.study.spec import StudySpec
from schemas.contract import read_dtypes
from schemas.derived_columns import SUBJECT_COLUMNS
from schemas.known_at_start import REMOVED, Moment, derive_at_start, list_moments
from schemas.rules.rule import CRITERIA
from schemas.tables import TABLES

AT_START = "subject_at_start"
"""The frame of `compute_study` that says what is known at the start."""
RECORDS = tuple(f"core.{name}" for name in TABLES)
"""The relations of the store that it is derived from."""
_PEOPLE_AT_ONCE = 2_000
"""So many are derived together, so that the variants of a large registry need no more memory than those of a small one."""


@dataclass(frozen=True)
class Item:
    """A criterion, filter, characteristic or arm that a study asks for; `columns` of the subject table with its criteria say it of a patient."""

    kind: Literal["criterion", "filter", "characteristic", "arm"]
    id: str
    label: str
    columns: tuple[str, ...]
    label_zh: str = ""


def list_items(spec: StudySpec) -> list[Item]:
    """Return what the study asks of a patient: the criteria by the protocol's own numbers, its filters, the characteristics, the arm."""
    items = []
    if spec.population.eligible_only:
        steps = list_steps(spec.population.without_criteria)[:-1]
        items += [
            Item(
                "criterion", name, _name_criterion(name, label), (name,), _name_criterion(name, CRITERIA[name].label_zh)
            )
            for name, label in steps
        ]
    items += [Item("filter", item.id, item.label, _list_columns(item.where)) for item in spec.population.filters]
    items += [Item("characteristic", item.id, item.label, (item.column,)) for item in spec.characteristics]
    if spec.arms:
        of_conditions = _list_columns([condition for arm in spec.arms for condition in arm.where])
        of_codes = (spec.arm_column,) if any(arm.code for arm in spec.arms) else ()
        items.append(Item("arm", "arm", "Arm", (*of_codes, *of_conditions)))
    return items


def _list_columns(conditions: Iterable[Condition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(condition.column for condition in conditions))


def compute_value(item: Item, frame: pl.DataFrame, spec: StudySpec) -> pl.Expr:
    """Return what the study makes of an item's columns: a level, a quantity, whether a filter is met, an arm."""
    if item.kind == "filter":
        own = next(one for one in spec.population.filters if one.id == item.id)
        return meet_all(frame, own.where, f"population.filters.{item.id}")
    if item.kind == "characteristic":
        return type_values(frame, spec.get_characteristic(item.id), spec)
    if item.kind == "arm" and any(arm.where for arm in spec.arms):
        return name_arms(frame, spec)
    return pl.col(item.columns[0])


def _name_criterion(criterion_id: str, label: str) -> str:
    number = re.match(r"[a-z]\d+(?=_)", criterion_id)
    return f"{label} ({number[0].upper()})" if number else label


def describe_moment(moment: Moment) -> str:
    """Return in words which facts a kind of later date tells: `through outcome: vital status, last contact date`."""
    told, table = [name.replace("_", " ") for name in moment.list_told()], moment.table.replace("_", " ")
    if moment.field is None:
        return f"through later {table} records" + "".join(f" and the flag '{name}'" for name in told)
    return f"through {table}: {', '.join(told)}"


def list_described() -> dict[str, str]:
    """Return the facts of every kind of later date, by the date's name in `removed`."""
    return {moment.name: describe_moment(moment) for moment in list_moments()}


def derive_study_at_start(frames: Mapping[str, pl.DataFrame], spec: StudySpec) -> pl.DataFrame:
    """Return what the study asks of its hospitals' patients with a start of therapy, once for each thing removed (`derive_at_start`).

    `frames` are the records (`RECORDS`). A hospital is taken to send the tables of which it has a record. Whether it lists every new lesion is
    not asked: that decides responses alone, in all variants the same.
    """
    columns = dict.fromkeys(name for item in list_items(spec) for name in (*item.columns, START_COLUMN))
    asked = [name for name in columns if name in SUBJECT_COLUMNS or name in CRITERIA]
    records = {name: frames[name].select(*read_dtypes(model)) for name, model in TABLES.items()}
    if spec.population.hospitals:
        is_asked = pl.col("hospital").is_in(spec.population.hospitals)
        records = {name: frame.filter(is_asked) for name, frame in records.items()}
    found: list[pl.DataFrame] = []
    for sent, hospitals in _group_by_tables(records).items():
        patients = records["patient"].filter(pl.col("hospital").is_in(hospitals)).select("patient_id")
        for some in patients.iter_slices(_PEOPLE_AT_ONCE):
            own = {
                name: frame.join(some, on="patient_id", how="semi", maintain_order="left")
                for name, frame in records.items()
            }
            found.append(derive_at_start(own, sent=sent, asked=asked, day=spec.population.landmark_day))
    return pl.concat(found) if found else pl.DataFrame(schema=dict.fromkeys((REMOVED, "patient_id", *asked), pl.String))


def _group_by_tables(records: Mapping[str, pl.DataFrame]) -> dict[frozenset[str], list[str]]:
    """Return the hospitals that send the same tables, by these tables."""
    senders = {name: set(frame["hospital"].unique()) for name, frame in records.items()}
    groups: dict[frozenset[str], list[str]] = {}
    for hospital in sorted(senders["patient"]):
        sent = frozenset(name for name, hospitals in senders.items() if hospital in hospitals)
        groups.setdefault(sent, []).append(hospital)
    return groups
