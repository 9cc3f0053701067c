"""From text records to typed records of one table, with every cell that had to be set aside and every broken key."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.mapping.identity import (
    PseudonymKey,
    compare_with_person,
    normalise_person,
    replace_distinct,
)
from etl.mapping.kept_frame import KeptFrame, say_once
from etl.mapping.masking import OwnTexts
from etl.mapping.parse import (
    AFTER_DELIVERY,
    IMPOSSIBLE,
    UNREADABLE,
    Parsed,
    clean,
    clean_text,
    drop_missing,
    mark_small_digits,
    parse_field,
)
from etl.mapping.patient_numbers import read_patient_ids
from etl.mapping.site import Site
from etl.mapping.units import (
    UNIT_SLIP,
    convert_units,
    is_outside,
    name_own_units,
    select_tests,
    split_units,
    suspect_units,
)  # fmt: skip
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, UNIT_SUFFIX, WRITTEN_SUFFIX, Mapped
from schemas.contract import PROVENANCE, FieldContract, Table, list_made_key, read_contract, read_sent_key, table_name
from schemas.quantity import find_limits
from schemas.row_text import compute_row_text
from schemas.tables import TABLES

RECORD = "_record"
PERSON_ID = "person_id"
COMPARATOR_SUFFIX = "_comparator"
MONTHS = {RECORD: pl.Int64, "field": pl.String}
PERSONAL = {**MONTHS, "kinds": pl.String}
_LONG_NUMBER = r"^\s*[<>≤≥]?=?\s*[1-9]\d{10}(?:[.,]0*)?\s*(?:[↑↓*HL]|\([HL]\))*\s*$"
_NOTHING = pl.lit(None, dtype=pl.String)
_FEW_CELLS = 500
FAULTS = {
    RECORD: pl.Int64, "field": pl.String, "kind": pl.String, "likely_unit": pl.String, "reading": pl.Float64, "sign": pl.String,
}  # fmt: skip
CONFIRMED = {RECORD: pl.Int64, "field": pl.String, "finding_id": pl.String}


@dataclass(frozen=True)
class TypedRecords:
    """One table's records.

    `frame` holds provenance, `_record`, `_group`, `record_key` and typed fields; `raw` the masked texts of fields and units in the
    same order; `faults` has _record, field, kind, likely_unit, and of a cell that would count once the hospital confirms it `reading` and
    `sign`: its value in the registry's unit, and its comparator. `personal` has _record, field, kinds of texts that held personal data;
    `months` has _record, field of dates of which only the month is known; `confirmed` has _record, field, finding_id of values that count
    since the hospital confirmed them.
    """

    table: str
    frame: pl.DataFrame
    raw: KeptFrame
    faults: pl.DataFrame
    personal: pl.DataFrame
    months: pl.DataFrame
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
    ids = read_patient_ids(texts[PATIENT_TEXT], key, site.hospital)
    typed_by_name: dict[str, pl.Series] = {}
    faults: list[pl.DataFrame] = []
    months: list[pl.DataFrame] = []
    # A value is read after the field that names its quantity.
    for spec in sorted(contract.values(), key=lambda spec: spec.quantity_from is not None):
        if spec.is_made:
            continue
        if spec.quantity_from:
            masked = _name_own_units(masked, spec, typed_by_name[spec.quantity_from])
            typed_by_name |= _select_quantities(masked, spec, typed_by_name[spec.quantity_from])
        named = typed_by_name[spec.quantity_from] if spec.quantity_from else None
        long = _find_long_numbers(texts, masked, spec)
        offered = _put_back(masked, texts, spec.name, long)
        parsed = _read_column(offered, spec, site.codes.get((table, spec.name), {}), named, last_day)
        if long.height:  # what is a value is nobody's telephone number, and what is none stays masked
            kept = long.join(parsed.faults, on=RECORD, how="anti")
            masked = _put_back(masked, texts, spec.name, kept)
            personal = personal.join(kept, on=[RECORD, "field"], how="anti", maintain_order="left")
        typed_by_name |= {series.name: series for series in parsed.series}
        faults.append(parsed.faults)
        months += [parsed.months] if parsed.months is not None else []
    of_months = pl.concat([pl.DataFrame(schema=MONTHS), *months])
    if PERSON_ID in contract:
        person = _read_person(texts, typed_by_name, of_months, key)
        typed_by_name |= {series.name: series for series in person.series}
        faults.append(person.faults)
    typed_by_name |= {name: pl.Series(name, [1]).new_from_index(0, texts.height) for name in list_made_key(model)}
    frame = texts.select(
        pl.lit(site.hospital).alias("hospital"),
        ids.alias("patient_id"),
        pl.lit(delivery).alias("delivery"),
        *PROVENANCE[3:],
        RECORD,
        GROUP,
    ).with_columns(list(typed_by_name.values()))
    ordered = frame.select(*PROVENANCE, RECORD, GROUP, *contract)
    said = masked.select(name for name in masked.columns if name.removesuffix(UNIT_SUFFIX) in contract)
    raw = KeptFrame(said)
    keyed = add_record_key(ordered, raw, model)
    return TypedRecords(table, say_once(keyed), raw, pl.concat(faults), personal, of_months)


def _find_long_numbers(texts: pl.DataFrame, masked: pl.DataFrame, spec: FieldContract) -> pl.DataFrame:
    """Return _record and field of masked cells that are just a number of eleven digits: a viral load, or a telephone number."""
    if spec.quantity_from is None or spec.name not in texts.columns:
        return pl.DataFrame(schema=MONTHS)
    hidden = texts.filter(texts[spec.name] != masked[spec.name])
    is_long = pl.col(spec.name).str.normalize("NFKC").str.contains(_LONG_NUMBER)
    return hidden.filter(is_long).select(RECORD, pl.lit(spec.name).alias("field"))


def _put_back(masked: pl.DataFrame, texts: pl.DataFrame, name: str, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the masked texts with the given cells of a field as they were sent."""
    if cells.is_empty():
        return masked
    return masked.with_columns(masked[name].scatter(cells[RECORD], texts[name].gather(cells[RECORD])))


@dataclass(frozen=True)
class _Column:
    series: list[pl.Series]
    faults: pl.DataFrame
    months: pl.DataFrame | None = None


def _read_person(
    texts: pl.DataFrame, typed: Mapping[str, pl.Series], of_months: pl.DataFrame, key: PseudonymKey
) -> _Column:
    """Make what is kept of the national id: the pseudonym, and whether birth date and sex agree with it."""
    numbers = normalise_person(texts[PERSON_TEXT])
    born_in_month = texts[RECORD].is_in(of_months.filter(field="birth_date")[RECORD].implode())
    kept = {PERSON_ID: replace_distinct(numbers, key.hash_person)}
    kept |= compare_with_person(numbers, typed["birth_date"], typed["sex"], born_in_month)
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

    Cells with the same text are read once, unless they are so few that finding them costs more than reading them again.
    """
    if texts[spec.name].null_count() == texts.height:
        return _read_nothing(spec, texts.height)
    beside = {"sent_unit": spec.name + UNIT_SUFFIX, "written": spec.name + WRITTEN_SUFFIX}
    parts = {"text": texts[spec.name], "quantity": named}
    parts |= {part: texts[name] for part, name in beside.items() if name in texts.columns}
    cells = pl.DataFrame({name: part for name, part in parts.items() if part is not None})
    distinct = read_cells(cells if cells.height <= _FEW_CELLS else cells.unique(), spec, codes, last_day)
    read = distinct
    if cells.height > _FEW_CELLS:
        read = cells.join(distinct, on=cells.columns, how="left", nulls_equal=True, maintain_order="left")
    series = [read["value"].alias(spec.name)]
    if spec.is_censored:
        series.append(read["comparator"].alias(spec.name + COMPARATOR_SUFFIX))
    has_faults, has_months = distinct["kind"].null_count() < distinct.height, distinct["is_month"].any()
    if not (has_faults or has_months):
        return _Column(series, pl.DataFrame(schema=FAULTS))
    told = read.select(
        texts[RECORD], pl.lit(spec.name).alias("field"), "kind", "likely_unit", "is_month", "reading", "sign"
    )
    faults = told.filter(pl.col("kind").is_not_null()).select(*FAULTS)
    return _Column(series, faults, told.filter("is_month").select(*MONTHS) if has_months else None)


def _read_nothing(spec: FieldContract, n: int) -> _Column:
    names = {spec.name: spec.dtype} | ({spec.name + COMPARATOR_SUFFIX: pl.String()} if spec.is_censored else {})
    series = [pl.Series(name, [None], dtype=dtype).new_from_index(0, n) for name, dtype in names.items()]
    return _Column(series, pl.DataFrame(schema=FAULTS))


def read_cells(cells: pl.DataFrame, spec: FieldContract, codes: Mapping[str, str], last_day: dt.date) -> pl.DataFrame:
    """Return `cells` (text, and where it is said quantity, sent_unit and written) with value, comparator, is_month, kind of fault and likely_unit.

    What is faulty has no value; of a cell that would count once confirmed `reading` and `sign` tell value and comparator. A null
    unit is a record whose source has no column of units.
    """
    told = {"quantity": pl.lit(spec.name), "sent_unit": _NOTHING, "written": _NOTHING}
    is_text = spec.dtype == pl.String and spec.codes is None
    texts = cells["text"] if is_text else mark_small_digits(cells["text"])
    full = cells.with_columns(
        clean(pl.lit(texts)).alias("text"),
        *(part.alias(name) for name, part in told.items() if name not in cells.columns),
    )
    if spec.dtype == pl.Float64:
        full = split_units(full, spec.unit)
    sent = parse_field(full["text"], spec, codes, full["written"])
    if spec.dtype in (pl.Float64, pl.Int64):
        judged = cells.hstack(_judge_numbers(full, sent, spec))
    else:
        judged = cells.hstack(_judge_others(sent, spec, last_day))
    if judged["kind"].null_count() == judged.height:
        return judged
    is_read = pl.col("kind").is_null()
    return judged.with_columns(pl.when(is_read).then(pl.col("value", "comparator")), pl.col("is_month") & is_read)


def _judge_others(sent: Parsed, spec: FieldContract, last_day: dt.date) -> pl.DataFrame:
    """Return what `read_cells` adds to codes, texts and dates: they have no limits and no unit."""
    value, kind = pl.col("value"), pl.col("fault")
    read = sent.values.to_frame("value").hstack([sent.fault.alias("fault")])
    is_month = pl.lit(value=False) if sent.is_month is None else pl.lit(sent.is_month)
    if spec.dtype == pl.Date:  # the month of the delivery has come, though its middle may not have
        is_of_delivery = is_month & (value.dt.truncate("1mo") == last_day.replace(day=1))
        value = pl.when(is_of_delivery).then(pl.min_horizontal("value", last_day)).otherwise("value")
        kind = pl.coalesce("fault", pl.when(value > last_day).then(pl.lit(AFTER_DELIVERY)))
    return read.select(
        value.alias("value"), _NOTHING.alias("comparator"), is_month.alias("is_month"), kind.alias("kind"),
        _NOTHING.alias("likely_unit"), pl.lit(None, dtype=pl.Float64).alias("reading"), _NOTHING.alias("sign"),
    )  # fmt: skip


def _judge_numbers(full: pl.DataFrame, sent: Parsed, spec: FieldContract) -> pl.DataFrame:
    """Return what `read_cells` adds to numbers: values in the registry's unit, and what lies outside its limits."""
    read = full.with_columns(
        sent=sent.values,
        comparator=_NOTHING if sent.comparator is None else sent.comparator,
        value=sent.values,
        fault=sent.fault,
    )
    if full["sent_unit"].null_count() < full.height:
        read = _convert(read, spec)
    plausible, possible, physical = (
        find_limits(spec, kind, pl.col("quantity")) for kind in ("plausible", "possible", "physical")
    )
    slip, likely_unit = _NOTHING, _NOTHING.alias("likely_unit")
    if spec.dtype == pl.Float64 and any(limit is not None for limit in plausible):
        read = suspect_units(read, plausible, spec.unit)
        slip, likely_unit = pl.when("is_slip").then(pl.lit(UNIT_SLIP)), pl.col("likely_unit")
    is_impossible = is_outside(pl.col("value"), possible)
    kind = pl.coalesce("fault", slip, pl.when(is_impossible).then(pl.lit(IMPOSSIBLE)))
    can_be_confirmed = kind.is_in([UNIT_SLIP, IMPOSSIBLE]) & ~is_outside(pl.col("value"), physical)
    reading = pl.when(can_be_confirmed).then(pl.col("value")) if is_number(spec) else pl.lit(None)
    return read.select(
        "value", "comparator", pl.lit(value=False).alias("is_month"), kind.alias("kind"), likely_unit,
        reading.cast(pl.Float64).alias("reading"), pl.when(can_be_confirmed).then("comparator").alias("sign"),
    )  # fmt: skip


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


def _name_own_units(texts: pl.DataFrame, spec: FieldContract, named: pl.Series) -> pl.DataFrame:
    """Return the texts with the unit of each laboratory value, where the mapping says that it depends on the test alone."""
    unit = spec.name + UNIT_SUFFIX
    return texts.with_columns(name_own_units(texts[unit], named)) if unit in texts.columns else texts


def _select_quantities(texts: pl.DataFrame, spec: FieldContract, named: pl.Series) -> dict[str, pl.Series]:
    """Return the quantity of each row under its field's name: a value's unit may select another than the mapping names."""
    unit = spec.name + UNIT_SUFFIX
    return {named.name: select_tests(named, clean_text(texts[unit])) if unit in texts.columns else named}


def find_implausible(spec: FieldContract) -> pl.Expr:
    """Return, of a table's records, whether a value lies outside its soft limits; never null."""
    return is_outside(pl.col(spec.name), find_limits(spec, "plausible"))


def add_record_key(frame: pl.DataFrame, raw: KeptFrame, model: type[Table]) -> pl.DataFrame:
    """Add `record_key`: the key's values, or a hash of the row's own text where a part of the key is missing.

    A part that no hospital sends tells only the second record from the first, so that keys are those of what was sent.
    """
    names = [name for name in read_sent_key(model) if name != "patient_id"]
    parts = [pl.format(f"{name}={{}}", pl.col(name).cast(pl.String)) for name in names]
    keyed = pl.concat_str(parts, separator=";", ignore_nulls=False) if parts else pl.lit("")
    for name in list_made_key(model):
        keyed += pl.when(pl.col(name) > 1).then(pl.format(f";{name}={{}}", pl.col(name))).otherwise(pl.lit(""))
    has_key = pl.all_horizontal(pl.col(["patient_id", *names]).is_not_null())
    keys = frame.select(has_key.alias("_has_key"), pl.when(has_key).then(keyed).alias("record_key"))
    lacking = (~keys["_has_key"]).arg_true()
    content = [name for name in raw.columns if name in read_contract(model)]
    joined = raw.pick(lacking, content).select(compute_row_text(table_name(model), content)).to_series()
    hashes = [f"row {hashlib.sha256(text.encode()).hexdigest()[:12]}" for text in joined]
    return frame.with_columns(keys["record_key"].scatter(lacking, hashes), keys["_has_key"])


def join_contents(records: TypedRecords, rows: pl.Series) -> pl.Series:
    """Return what makes two records differ, as `_text`: the fields' texts, their units, and whose they are."""
    texts = records.raw.pick(rows, records.raw.columns)
    if PERSON_ID in records.frame.columns:
        texts = texts.with_columns(records.frame[PERSON_ID].gather(rows))
    said = [pl.col(name).fill_null("") for name in texts.columns]
    return texts.select(pl.concat_str(said, separator="\x1f").alias("_text")).to_series()


def _list_masked(texts: pl.DataFrame, contract: Mapping[str, FieldContract]) -> list[str]:
    return [name for name in contract if name in texts.columns]


def mask_texts(
    texts: pl.DataFrame, contract: Mapping[str, FieldContract], own: OwnTexts
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mask personal data in the columns of a contract's fields; return the texts and where something was masked."""
    fields = {name: contract[name] for name in _list_masked(texts, contract)}
    texts, hits = own.mask_frame(texts, texts[PATIENT_TEXT], fields)
    return texts, pl.DataFrame(hits, schema=PERSONAL, orient="row")
