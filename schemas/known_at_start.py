"""What is known of a patient at the start of systemic therapy: the records without what later dates tell, derived by the same code.

Nothing is listed by hand. Which dates a table has, and what else of a record only a date tells, stands in its contract
(`FieldContract.dated_by`). A quantity in days counts from the start, and is a date as well. A flag `has_<code>` of a table without a
day of its own states what records of that code tell with dates: it has `tace` beside the procedures.

Day 0 is known at the start; a table of states at the start that has no date (`baseline`, `metastasis`) is taken at its word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from schemas.contract import FieldContract, Table, read_contract, read_key
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.treatment import derive_first_line
from schemas.derive import derive
from schemas.rules import CRITERIA
from schemas.tables import TABLES

Tables = Mapping[str, pl.DataFrame]

REMOVED = "removed"
NOTHING, AFTER_START, UNDATED = "nothing", "after_start", "undated"
"""What was removed before deriving: nothing; all that later dates tell; what no date tells. Else the name of a `Moment`, removed alone."""
_ONLY_LARGE, _ALL_BUT_LARGE = "only_large", "all_but_large"
"""Variants of our own: only the later records of the largest tables removed, or all that is later but these."""
_START = "first_line_start_date"


@dataclass(frozen=True)
class Moment:
    """A kind of later date: of whole records of a table, or (with `field`) one within a record that was there before."""

    table: str
    field: str | None = None

    @property
    def name(self) -> str:
        """Its name in `removed`: `procedure`, `treatment.end_date`."""
        return self.table if self.field is None else f"{self.table}.{self.field}"

    def list_told(self) -> list[str]:
        """Return what goes with it: the fields of a record that it dates, or the flags that state the fact of whole records."""
        if self.field is None:
            return [flag.field for flag in _list_flags() if flag.fact_table == self.table]
        return [
            name for name, spec in read_contract(TABLES[self.table]).items() if self.field in _list_dating(spec)[:1]
        ]


@dataclass(frozen=True)
class _Flag:
    """A flag without a day of its own, and the dated records that state the same: those whose `fact_field` is `code`."""

    table: str
    field: str
    fact_table: str
    fact_field: str
    code: str


def derive_at_start(tables: Tables, *, sent: Collection[str], asked: Sequence[str], day: float = 0.0) -> pl.DataFrame:
    """Return what is `asked` (subject columns and criteria) of every patient with a start of therapy, once for each thing removed.

    `day` is the day after the start that counts as day 0 here: that of a landmark. `tables` and `sent` are as in `derive`, which derives them all. The column `removed` says what was removed: `NOTHING`, `AFTER_START`
    (every record and date after day 0), `UNDATED` (flags and records that nothing dates), and each `Moment` of which something is there.
    Most records are images and samples, on which a criterion seldom hangs: where nothing asked changes with the later ones of the largest
    tables, neither beside all other dates nor beside none, the other moments are tried without them, in a fraction of the time.
    """
    starts = derive_first_line(tables["treatment"]).select("patient_id", _START).drop_nulls()
    starts = starts.with_columns(pl.col(_START) + pl.duration(days=day))
    own = {
        name: frame.join(starts, on="patient_id", how="semi", maintain_order="left") for name, frame in tables.items()
    }
    moments, large = list_moments(), _list_large(own)
    others = [moment for moment in moments if moment not in large]
    cuts = {NOTHING: [], AFTER_START: moments, _ONLY_LARGE: large, _ALL_BUT_LARGE: others}
    first = {name: cut(own, starts, removed) for name, removed in cuts.items()}
    derived = _derive_variants(first, sent, asked)
    is_quiet = _are_alike(derived, NOTHING, _ONLY_LARGE) and _are_alike(derived, AFTER_START, _ALL_BUT_LARGE)
    base = first[_ONLY_LARGE] if is_quiet else own
    alone = {moment.name: cut(base, starts, [moment]) for moment in (others if is_quiet else moments)}
    alone = {name: variant for name, variant in alone.items() if _differ(variant, base)}
    tried = _derive_variants({**alone, UNDATED: drop_undated(base, starts)}, sent, asked)
    found = derived.filter(pl.col(REMOVED).is_in([NOTHING, AFTER_START]))
    return pl.concat([found, tried]).sort(REMOVED, "patient_id")


def _are_alike(derived: pl.DataFrame, one: str, other: str) -> bool:
    first, second = (derived.filter(pl.col(REMOVED) == name).drop(REMOVED) for name in (one, other))
    return first.equals(second)


def _derive_variants(variants: Mapping[str, Tables], sent: Collection[str], asked: Sequence[str]) -> pl.DataFrame:
    """Derive the variants of the patients all at once, as other patients; return removed, patient_id and what is asked."""
    stacked = {
        table: pl.concat([_name_patients(frames[table], name) for name, frames in variants.items()]) for table in TABLES
    }
    derived = derive(stacked, sent=sent)
    is_met = {name: pl.col("is_met").filter(pl.col("criterion_id") == name).first() for name in CRITERIA}
    verdicts = derived["eligibility"].group_by("patient_id").agg(**is_met)
    place = pl.col("patient_id").str.splitn("#", 2)
    joined = derived["subject"].join(verdicts, on="patient_id", how="left")
    named = joined.with_columns(place.struct[0].alias(REMOVED), place.struct[1].alias("patient_id"))
    return named.select(REMOVED, "patient_id", *asked).sort(REMOVED, "patient_id")


def _list_large(tables: Tables) -> list[Moment]:
    """Return the moments of the tables that hold more than half as many records as the mean of all."""
    mean = sum(frame.height for frame in tables.values()) / len(tables)
    return [moment for moment in list_moments() if tables[moment.table].height > mean / 2]


def list_moments() -> list[Moment]:
    """Return every kind of later date that the contracts know."""
    moments: list[Moment] = []
    for name, model in TABLES.items():
        dates = _list_dates(model)
        moments += [Moment(name)] if dates and _has_several(model) else []
        moments += [Moment(name, field) for field in dates]
    return moments


def cut(tables: Tables, starts: pl.DataFrame, moments: Collection[Moment]) -> dict[str, pl.DataFrame]:
    """Return the tables without what these later dates tell: records whose first date lies after day 0, dates of others and what goes with them.

    `starts` holds patient_id and first_line_start_date. A flag "yes" goes where every dated record of its fact does.
    """
    known = {name: _cut_table(name, frame, starts, moments) for name, frame in tables.items()}
    for flag in _list_flags():
        if Moment(flag.fact_table) in moments:
            days = _find_fact_days(tables, starts, flag)
            is_later = pl.col(flag.field) & (pl.col("_first_day") > 0) & ~pl.col("_has_undated")
            known[flag.table] = _empty_flag(known[flag.table], days, flag.field, is_later.fill_null(value=False))
    return known


def drop_undated(tables: Tables, starts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the tables without what nothing dates: flags of a patient, and records that lack the dates their table has.

    A flag whose fact has dated records stands with them, and a "no" agrees with there being none.
    """
    dated = dict(tables)
    linked = {(flag.table, flag.field): flag for flag in _list_flags()}
    for name, model in TABLES.items():
        dates = _list_dates(model)
        if _has_several(model):
            dated[name] = tables[name].filter(pl.any_horizontal(pl.col(dates).is_not_null())) if dates else tables[name]
            continue
        for field in (field for field, spec in read_contract(model).items() if _is_undated_flag(spec)):
            flag = linked.get((name, field))
            if flag is None:
                dated[name] = dated[name].with_columns(pl.lit(None, dtype=pl.Boolean).alias(field))
            else:
                is_alone = pl.col(field).fill_null(value=False) & pl.col("_first_day").is_null()
                dated[name] = _empty_flag(dated[name], _find_fact_days(tables, starts, flag), field, is_alone)
    return dated


def _cut_table(name: str, records: pl.DataFrame, starts: pl.DataFrame, moments: Collection[Moment]) -> pl.DataFrame:
    own = [moment for moment in moments if moment.table == name]
    if not own:
        return records
    contract, dates = read_contract(TABLES[name]), _list_dates(TABLES[name])
    is_new = (
        (_first_day(TABLES[name]) > 0).fill_null(value=False) if _has_several(TABLES[name]) else pl.lit(value=False)
    )
    emptied = []
    for field, spec in contract.items():
        dating = _list_dating(spec)
        if dating and Moment(name, dating[0]) in own:
            day = pl.coalesce(_compute_day(contract[date]) for date in dating)
            is_later = (day > 0).fill_null(value=False) & ~is_new
            emptied.append(pl.when(~is_later).then(field).alias(field))
    stays = ~is_new if Moment(name) in own and dates else pl.lit(value=True)
    placed = records.join(starts, on="patient_id", how="left", maintain_order="left").filter(stays)
    return placed.with_columns(emptied).select(records.columns)


def _first_day(model: type[Table]) -> pl.Expr:
    contract = read_contract(model)
    return pl.min_horizontal(_compute_day(contract[name]) for name in _list_dates(model))


def _compute_day(spec: FieldContract) -> pl.Expr:
    """Return the day of a date or of a quantity in days, 0 being the start."""
    return compute_days_between(pl.col(_START), pl.col(spec.name)) if spec.dtype == pl.Date else pl.col(spec.name)


def _find_fact_days(tables: Tables, starts: pl.DataFrame, flag: _Flag) -> pl.DataFrame:
    """Return per patient with a record of the flag's fact its first day, and whether one of them has none."""
    facts = tables[flag.fact_table].filter(pl.col(flag.fact_field) == flag.code).join(starts, on="patient_id")
    day = _first_day(TABLES[flag.fact_table])
    return facts.group_by("patient_id").agg(_first_day=day.min(), _has_undated=day.is_null().any())


def _empty_flag(records: pl.DataFrame, days: pl.DataFrame, field: str, where: pl.Expr) -> pl.DataFrame:
    joined = records.join(days, on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(pl.when(~where).then(field).alias(field)).select(records.columns)


def _list_flags() -> Iterator[_Flag]:
    """Yield the flags whose fact has dated records: `has_tace` and the procedures of the code `tace`."""
    for name, model in TABLES.items():
        for field, spec in read_contract(model).items():
            if not _has_several(model) and _is_undated_flag(spec):
                code = field.removeprefix("has_")
                facts = (
                    (other, fact) for other, fact in _list_coded() if code in {item.value for item in fact.codes or ()}
                )
                yield from (_Flag(name, field, other, fact.name, code) for other, fact in facts)


def _list_coded() -> Iterator[tuple[str, FieldContract]]:
    """Yield the coded fields of tables with several dated records of a patient."""
    for name, model in TABLES.items():
        if _has_several(model) and _list_dates(model):
            yield from ((name, spec) for spec in read_contract(model).values() if spec.codes)


def _is_undated_flag(spec: FieldContract) -> bool:
    return spec.dtype == pl.Boolean and not spec.is_made and not spec.dated_by


def _list_dating(spec: FieldContract) -> tuple[str, ...]:
    return (spec.name,) if _is_date(spec) else spec.dated_by


def _list_dates(model: type[Table]) -> list[str]:
    return [name for name, spec in read_contract(model).items() if _is_date(spec)]


def _is_date(spec: FieldContract) -> bool:
    return spec.dtype == pl.Date or spec.unit == "day"


def _has_several(model: type[Table]) -> bool:
    """Whether a patient may have several records in the table."""
    return read_key(model) != ("patient_id",)


def _differ(some: Tables, others: Tables) -> bool:
    return any(not frame.equals(others[name]) for name, frame in some.items())


def _name_patients(records: pl.DataFrame, variant: str) -> pl.DataFrame:
    return records.with_columns(pl.format("{}#{}", pl.lit(variant), "patient_id").alias("patient_id"))
