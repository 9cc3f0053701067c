"""From text records to typed records of one table, with every cell that had to be set aside and every broken key."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.mapping.identity import PseudonymKey, compare_with_person, normalise_person, pseudonymise
from etl.mapping.masking import OwnTexts
from etl.mapping.parse import AFTER_DELIVERY, IMPOSSIBLE, UNREADABLE, clean_text, drop_missing, parse_field
from etl.mapping.site import Site
from etl.mapping.units import UNIT_SLIP, convert_units, is_outside, select_tests, suspect_units
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, UNIT_SUFFIX, Mapped
from schemas.contract import PROVENANCE, FieldContract, Table, read_contract, read_key, table_name
from schemas.quantity import find_limits
from schemas.row_text import compute_row_text
from schemas.tables import TABLES

RECORD = "_record"
PERSON_ID = "person_id"
COMPARATOR_SUFFIX = "_comparator"
FAULTS = {
    RECORD: pl.Int64, "field": pl.String, "kind": pl.String, "likely_unit": pl.String, "reading": pl.Float64, "sign": pl.String,
}  # fmt: skip
CONFIRMED = {RECORD: pl.Int64, "field": pl.String, "finding_id": pl.String}


@dataclass(frozen=True)
class TypedRecords:
    """One table's records.

    `frame` holds provenance, `_record`, `_group`, `record_key` and typed fields; `raw` the masked texts in the same
    order; `faults` has _record, field, kind, likely_unit, and of a cell that would count once the hospital confirms it `reading` and
    `sign`: its value in the registry's unit, and its comparator. `personal` has _record, field of free texts that held personal data;
    `confirmed` has _record, field, finding_id of values that count since the hospital confirmed them.
    """

    table: str
    frame: pl.DataFrame
    raw: pl.DataFrame
    faults: pl.DataFrame
    personal: pl.DataFrame
    confirmed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONFIRMED))


def type_delivery(
    mapped: Mapped, site: Site, delivery: str, last_day: dt.date, key: PseudonymKey
) -> dict[str, TypedRecords]:
    """Read the text records of every table as their contracts say; no date may lie after `last_day`."""
    mapped.own.look_up(
        texts[column]
        for name, texts in mapped.records.items()
        for column in _list_masked(texts, read_contract(TABLES[name]))
    )
    return {
        name: type_records(
            name,
            TABLES[name],
            texts,
            site=site,
            delivery=delivery,
            last_day=last_day,
            key=key,
            own=mapped.own,
        )
        for name, texts in mapped.records.items()
    }


def type_records(
    table: str,
    model: type[Table],
    texts: pl.DataFrame,
    *,
    site: Site,
    delivery: str,
    last_day: dt.date,
    key: PseudonymKey,
    own: OwnTexts,
) -> TypedRecords:
    """Read a table's text records as its contract says.

    A date after `last_day`, the day of the delivery, is set aside. `own` lists what names each patient; it is masked
    wherever it turns up in that patient's cells.
    """
    contract = read_contract(model)
    texts = texts.with_row_index(RECORD).with_columns(pl.col(RECORD).cast(pl.Int64))
    masked, personal = mask_texts(texts, contract, own)
    ids = pseudonymise(drop_missing(clean_text(texts[PATIENT_TEXT])), key, site.hospital)
    typed_by_name: dict[str, pl.Series] = {}
    faults: list[pl.DataFrame] = []
    # A value is read after the field that names its quantity.
    for spec in sorted(contract.values(), key=lambda spec: spec.quantity_from is not None):
        if spec.is_made:
            continue
        if spec.quantity_from:
            typed_by_name |= _select_quantities(masked, spec, typed_by_name[spec.quantity_from])
        named = typed_by_name[spec.quantity_from] if spec.quantity_from else None
        parsed = _read_column(masked, spec, site.codes.get((table, spec.name), {}), named, last_day)
        typed_by_name |= {series.name: series for series in parsed.series}
        faults.append(parsed.faults)
    if PERSON_ID in contract:
        person = _read_person(texts, typed_by_name, key)
        typed_by_name |= {series.name: series for series in person.series}
        faults.append(person.faults)
    frame = texts.select(
        pl.lit(site.hospital).alias("hospital"),
        ids.alias("patient_id"),
        pl.lit(delivery).alias("delivery"),
        *PROVENANCE[3:],
        RECORD,
        GROUP,
    ).with_columns(list(typed_by_name.values()))
    ordered = frame.select(*PROVENANCE, RECORD, GROUP, *contract)
    return TypedRecords(table, _add_record_key(ordered, masked, model), masked, pl.concat(faults), personal)


@dataclass(frozen=True)
class _Column:
    series: list[pl.Series]
    faults: pl.DataFrame


def _read_person(texts: pl.DataFrame, typed: Mapping[str, pl.Series], key: PseudonymKey) -> _Column:
    """Make what is kept of the national id: the pseudonym, and whether birth date and sex agree with it."""
    numbers = normalise_person(texts[PERSON_TEXT])
    kept = {PERSON_ID: pseudonymise(numbers, key, "person")}
    kept |= compare_with_person(numbers, typed["birth_date"], typed["sex"])
    is_invalid = drop_missing(clean_text(texts[PERSON_TEXT])).is_not_null() & numbers.is_null()
    faults = texts.filter(is_invalid).select(
        RECORD,
        pl.lit(PERSON_ID).alias("field"),
        pl.lit(UNREADABLE).alias("kind"),
        *(pl.lit(None, dtype=FAULTS[name]).alias(name) for name in ("likely_unit", "reading", "sign")),
    )
    return _Column([series.alias(name) for name, series in kept.items()], faults)


def _read_column(
    texts: pl.DataFrame, spec: FieldContract, codes: Mapping[str, str], named: pl.Series | None, last_day: dt.date
) -> _Column:
    """Read one column; `named` are the quantities of the rows' values, and no date may lie after `last_day`.

    Cells with the same text are read once.
    """
    if texts[spec.name].null_count() == texts.height:
        return _read_nothing(spec, texts.height)
    unit = spec.name + UNIT_SUFFIX
    parts = {"text": texts[spec.name], "quantity": named, "sent_unit": texts[unit] if unit in texts.columns else None}
    cells = pl.DataFrame({name: part for name, part in parts.items() if part is not None})
    distinct = read_cells(cells.unique(), spec, codes, last_day)
    read = cells.join(distinct, on=cells.columns, how="left", nulls_equal=True, maintain_order="left")
    series = [read["value"].alias(spec.name)]
    if spec.is_censored:
        series.append(read["comparator"].alias(spec.name + COMPARATOR_SUFFIX))
    if distinct["kind"].null_count() == distinct.height:
        return _Column(series, pl.DataFrame(schema=FAULTS))
    faults = read.select(texts[RECORD], pl.lit(spec.name).alias("field"), "kind", "likely_unit", "reading", "sign")
    return _Column(series, faults.filter(pl.col("kind").is_not_null()))


def _read_nothing(spec: FieldContract, n: int) -> _Column:
    names = {spec.name: spec.dtype} | ({spec.name + COMPARATOR_SUFFIX: pl.String()} if spec.is_censored else {})
    series = [pl.Series(name, [None], dtype=dtype).new_from_index(0, n) for name, dtype in names.items()]
    return _Column(series, pl.DataFrame(schema=FAULTS))


def read_cells(cells: pl.DataFrame, spec: FieldContract, codes: Mapping[str, str], last_day: dt.date) -> pl.DataFrame:
    """Return `cells` (text, and where it is said quantity and sent_unit) with value, comparator, kind of fault and likely_unit.

    What is faulty has no value; of a cell that would count once confirmed `reading` and `sign` tell value and comparator. A null
    unit is a record whose source has no column of units.
    """
    sent = parse_field(clean_text(cells["text"]), spec, codes)
    read = cells.with_columns(
        *([] if "quantity" in cells.columns else [pl.lit(spec.name).alias("quantity")]),
        sent=sent.values,
        comparator=pl.lit(None, dtype=pl.String) if sent.comparator is None else sent.comparator,
        value=sent.values,
        fault=sent.fault,
    )
    if "sent_unit" in cells.columns:
        read = _convert(read, spec)
    plausible, possible, physical = (
        find_limits(spec, kind, pl.col("quantity")) for kind in ("plausible", "possible", "physical")
    )
    slip, likely_unit = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String).alias("likely_unit")
    if spec.dtype == pl.Float64 and any(limit is not None for limit in plausible):
        read = suspect_units(read, plausible, spec.unit)
        slip, likely_unit = pl.when("is_slip").then(pl.lit(UNIT_SLIP)), pl.col("likely_unit")
    is_later = pl.col("value") > last_day if spec.dtype == pl.Date else pl.lit(value=False)
    is_impossible = is_outside(pl.col("value"), possible)
    kind = pl.coalesce(
        "fault",
        slip,
        pl.when(is_impossible).then(pl.lit(IMPOSSIBLE)),
        pl.when(is_later).then(pl.lit(AFTER_DELIVERY)),
    )
    can_be_confirmed = kind.is_in([UNIT_SLIP, IMPOSSIBLE]) & ~is_outside(pl.col("value"), physical)
    reading = pl.when(can_be_confirmed).then(pl.col("value").cast(pl.Float64)) if is_number(spec) else pl.lit(None)
    judged = read.select(*cells.columns, "value", "comparator", kind.alias("kind"), likely_unit).with_columns(
        read.select(
            reading.cast(pl.Float64).alias("reading"), pl.when(can_be_confirmed).then("comparator").alias("sign")
        )
    )
    if judged["kind"].null_count() == judged.height:
        return judged
    return judged.with_columns(pl.when(pl.col("kind").is_null()).then(pl.col("value", "comparator")))


def is_number(spec: FieldContract) -> bool:
    """Return whether a field's values are numbers, which have limits; a number in a key tells records apart and has none to confirm."""
    return spec.dtype in (pl.Float64, pl.Int64) and not spec.is_key


def _convert(read: pl.DataFrame, spec: FieldContract) -> pl.DataFrame:
    """Put the values in canonical units in place of those sent, where the mapping has a unit for their rows."""
    has_rule = pl.col("sent_unit").is_not_null()
    converted = convert_units(read.with_columns(unit=clean_text(read["sent_unit"])), spec.unit)
    return converted.with_columns(
        value=pl.when(has_rule).then("converted").otherwise("sent"),
        fault=pl.when(has_rule).then("fault").otherwise("unread"),
    )


def _select_quantities(texts: pl.DataFrame, spec: FieldContract, named: pl.Series) -> dict[str, pl.Series]:
    """Return the quantity of each row under its field's name: a value's unit may select another than the mapping names."""
    unit = spec.name + UNIT_SUFFIX
    return {named.name: select_tests(named, clean_text(texts[unit])) if unit in texts.columns else named}


def find_implausible(spec: FieldContract) -> pl.Expr:
    """Return, of a table's records, whether a value lies outside its soft limits; never null."""
    return is_outside(pl.col(spec.name), find_limits(spec, "plausible"))


def _add_record_key(frame: pl.DataFrame, masked: pl.DataFrame, model: type[Table]) -> pl.DataFrame:
    """Add `record_key`: the key's values, or a hash of the row's own text where a part of the key is missing."""
    names = [name for name in read_key(model) if name != "patient_id"]
    parts = [pl.format(f"{name}={{}}", pl.col(name).cast(pl.String)) for name in names]
    keyed = pl.concat_str(parts, separator=";", ignore_nulls=False) if parts else pl.lit("")
    has_key = pl.all_horizontal(pl.col(["patient_id", *names]).is_not_null())
    keys = frame.select(has_key.alias("_has_key"), pl.when(has_key).then(keyed).alias("record_key"))
    lacking = (~keys["_has_key"]).arg_true()
    content = [name for name in masked.columns if name in read_contract(model)]
    joined = masked[lacking].select(compute_row_text(table_name(model), content)).to_series()
    hashes = [f"row {hashlib.sha256(text.encode()).hexdigest()[:12]}" for text in joined]
    return frame.with_columns(keys["record_key"].scatter(lacking, hashes), keys["_has_key"])


def _list_masked(texts: pl.DataFrame, contract: Mapping[str, FieldContract]) -> list[str]:
    return [name for name in contract if name in texts.columns]


def mask_texts(
    texts: pl.DataFrame, contract: Mapping[str, FieldContract], own: OwnTexts
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mask personal data in the columns of a contract's fields; return the texts and where something was masked."""
    fields = {name: contract[name] for name in _list_masked(texts, contract)}
    texts, hits = own.mask_frame(texts, texts[PATIENT_TEXT], fields)
    return texts, pl.DataFrame(hits, schema={RECORD: pl.Int64, "field": pl.String}, orient="row")
