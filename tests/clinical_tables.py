"""Tables of invented patients for readable tests: an ASCII table in, contract-typed frames out. SYNTHETIC EXAMPLE DATA."""

import re
from datetime import date

import polars as pl

from schemas.tables import TABLES

PARSERS = {
    "String": str,
    "Int64": int,
    "Float64": float,
    "Date": date.fromisoformat,
    "Boolean": lambda text: {"true": True, "false": False}[text],
}

# One patient whom no rule asks about: lenvatinib + sintilimab from 2020-03-01, PR, then PD, second line, death.
CORRECT_PATIENT = {
    "patient": """
        | sex  | birth_date | age_years | diagnosis_date | tumour_type | diagnosis_basis | is_unresectable | is_recurrent | has_other_malignancy |
        | male | 1962-06-15 | 57        | 2020-02-01     | hcc         | histology       | true            | false        | false                |
    """,
    "baseline": """
        | bclc_stage | ecog_status | child_pugh_class | ascites | encephalopathy_grade | has_extrahepatic_metastasis | has_vena_cava_or_atrium_tumour | pvtt_type | pvtt_text      | tumour_size_cm | tumour_number | metastasis_site_number | hbsag    | has_antiviral_therapy | has_cirrhosis | hvpg_mmhg | has_portal_hypertension | has_tace | body_weight_kg |
        | C          | 0           | A                | none    | 0                    | true                        | false                          | II        | 门静脉右支癌栓 | 8.0            | 4             | 6                      | positive | true                  | true          | 8         | false                   | true     | 66             |
    """,
    "metastasis": """
        | organ | lesion_number |
        | lung  | 4             |
        | bone  | 2             |
    """,
    "laboratory": """
        | visit_number | test             | sample_date | value | value_comparator |
        | 0            | alt_u_l          | 2020-02-25  | 30    | =                |
        | 0            | ast_u_l          | 2020-02-25  | 50    | =                |
        | 0            | bilirubin_umol_l | 2020-02-25  | 15    | =                |
        | 0            | albumin_g_l      | 2020-02-25  | 40    | =                |
        | 0            | afp_ng_ml        | 2020-02-25  | 500   | =                |
        | 0            | hbv_dna_iu_ml    | 2020-02-25  | 1000  | =                |
        | 0            | inr              | 2020-02-25  | 1.1   | =                |
        | 1            | alt_u_l          | 2020-03-28  | 44    | =                |
    """,
    "lesion": """
        | visit_number | reader | lesion_id | assessment_date | modality | role       | organ | status   | diameter_mm | is_tace_treated |
        | 0            | site   | T1        | 2020-02-20      | ct       | target     | liver | measured | 80          | false           |
        | 0            | site   | T2        | 2020-02-20      | ct       | target     | lung  | measured | 30          | false           |
        | 0            | site   | N1        | 2020-02-20      | ct       | non_target | bone  | present  |             | false           |
        | 1            | site   | T1        | 2020-04-15      | ct       | target     | liver | measured | 50          | true            |
        | 1            | site   | T2        | 2020-04-15      | ct       | target     | lung  | measured | 20          | false           |
        | 1            | site   | N1        | 2020-04-15      | ct       | non_target | bone  | present  |             | false           |
        | 2            | site   | T1        | 2020-06-10      | ct       | target     | liver | measured | 70          | true            |
        | 2            | site   | T2        | 2020-06-10      | ct       | target     | lung  | measured | 30          | false           |
        | 2            | site   | N1        | 2020-06-10      | ct       | non_target | bone  | present  |             | false           |
    """,
    "response": """
        | visit_number | reader | criteria   | assessment_date | assessment_days | target_sum_mm | has_new_lesion | recorded_response |
        | 0            | site   | recist_1_1 | 2020-02-20      |                 |               | false          |                   |
        | 1            | site   | recist_1_1 | 2020-04-15      |                 |               | false          | PR                |
        | 2            | site   | recist_1_1 | 2020-06-10      |                 |               | false          | PD                |
    """,
    "treatment": """
        | line_number | drug       | start_date | end_date   | initial_dose_mg | stop_reason |
        | 1           | lenvatinib | 2020-03-01 | 2020-07-01 | 12              | progression |
        | 1           | sintilimab | 2020-03-03 | 2020-06-20 | 200             | progression |
        | 2           | sorafenib  | 2020-07-10 | 2020-09-10 | 800             | other       |
    """,
    "procedure": """
        | procedure_number | procedure | procedure_date |
        | 1                | tace      | 2020-03-10     |
        | 2                | tace      | 2020-04-20     |
    """,
    "adverse_event": """
        | event_number | term         | grade | onset_date | resolved_date | ctcae_version |
        | 1            | hypertension | 2     | 2020-03-20 | 2020-04-01    | 5.0           |
        | 2            | fatigue      | 1     | 2020-04-05 |               | 5.0           |
    """,
    "outcome": """
        | vital_status | last_contact_date | death_date | has_progressed | progression_date | overall_survival_days | progression_days |
        | dead         | 2020-12-01        | 2020-12-01 | true           | 2020-06-10       |                       |                  |
    """,
}  # fmt: skip


def read_rows(text: str) -> list[dict[str, str | None]]:
    """The rows of an ASCII table whose columns are parted by `|`; a blank cell is None, a line of dashes is a rule."""
    lines = [line.strip().strip("|") for line in text.strip().splitlines() if not set(line.strip()) <= set("|-+ ")]
    cells = [[cell.strip() or None for cell in line.split("|")] for line in lines]
    header = cells[0]
    assert all(len(row) == len(header) for row in cells), text
    return [dict(zip(header, row, strict=True)) for row in cells[1:]]


def make_frame(name: str, rows: list[dict[str, str | None]]) -> pl.DataFrame:
    """Contract-typed records of one table, from texts; provenance and columns that are not given are filled in."""
    schema = {column: spec.dtype.type for column, spec in TABLES[name].to_schema().columns.items()}
    assert not {field for row in rows for field in row} - set(schema), (name, rows)
    records = []
    for number, row in enumerate(rows, start=1):
        provenance = {"hospital": "h1", "patient_id": "p1", "delivery": "d", "source_file": "f", "source_row": number}
        parsed = {field: None if text is None else PARSERS[str(schema[field])](text) for field, text in row.items()}
        records.append({**provenance, **parsed})
    return pl.DataFrame(records, schema=schema)


def make_tables(**texts: str) -> dict[str, pl.DataFrame]:
    """All ten tables; those that are not given are empty."""
    return {name: make_frame(name, read_rows(texts[name]) if name in texts else []) for name in TABLES}


EDIT = re.compile(r"^(?P<table>\w+)(?:\[(?P<row>\d+)\])?\.(?P<field>\w+)=(?P<value>.*)$")
REMOVAL = re.compile(r"^-(?P<table>\w+)(?:\[(?P<row>\d+)\])?(?P<everyone>!)?$")


def make_case(edits: str) -> dict[str, pl.DataFrame]:
    """Tables of two correct patients, p1 changed as told; edits are parted by `;`.

    `table[2].field=value` sets a cell of p1's second record ([1] if left out; one past the last adds a record),
    `-table[2]` removes it, `-table` removes p1's records, `-table!` everybody's.
    """
    own = {name: read_rows(text) for name, text in CORRECT_PATIENT.items()}
    other = {name: [{**row, "patient_id": "p2"} for row in read_rows(text)] for name, text in CORRECT_PATIENT.items()}
    for edit in filter(None, (part.strip() for part in edits.split(";"))):
        if removal := REMOVAL.match(edit):
            _remove(own, other, removal)
            continue
        change = EDIT.match(edit)
        assert change, f"not an edit: {edit}"
        rows, position = own[change["table"]], int(change["row"] or 1) - 1
        if position == len(rows):
            rows.append({})
        rows[position][change["field"]] = change["value"] or None
    return {name: make_frame(name, own[name] + other[name]) for name in TABLES}


def _remove(own, other, removal):
    name = removal["table"]
    if removal["row"]:
        own[name].pop(int(removal["row"]) - 1)
    else:
        own[name] = []
    if removal["everyone"]:
        other[name] = []
