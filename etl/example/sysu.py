"""Sun Yat-sen University's delivery in the example: a REDCap export with its data dictionary.

Its habits: all instruments in one file, told apart by `redcap_repeat_instrument`; coded values; check boxes for organs
with metastases; the tumour's size in mm; survival in months beside the dates; the sum of the
targets beside the lesions; ISO dates; portal vein tumour thrombus as code only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from etl.example.model import MARKER, Record, SyntheticPatient
from etl.example.sheets import Cells, Sheet, SheetRow, date_text, number_text, write_csv
from schemas.codes import (
    INTRAHEPATIC_ORGANS,
    AdverseEventTerm,
    Ascites,
    BclcStage,
    ChildPughClass,
    Code,
    CtcaeVersion,
    DiagnosisBasis,
    Drug,
    LesionRole,
    LesionStatus,
    Modality,
    Organ,
    ProcedureType,
    PvttType,
    Response,
    Serology,
    Sex,
    StopReason,
    TumourType,
    VitalStatus,
)

DELIVERY = "sysu_2022-11-18"
FILE, DICTIONARY_FILE = "sysu_redcap_export.csv", "sysu_data_dictionary.csv"
HEADER_ROW = 1
ID = "record_id"
ROW_TABLES: dict[str, str] = {
    "baseline": "patient",
    "metastasis": "patient",
    "outcome": "patient",
}  # table -> table under whose name its rows go
SYSTEM_COLUMNS = (ID, "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "data_origin")
PERSON = "id_card"
IDENTIFIERS = ("patient_name", PERSON, "mobile")

MAIN_COLUMNS: dict[str, tuple[str, str]] = {
    "sex": ("patient", "sex"), "birth_date": ("patient", "birth_date"), "dx_date": ("patient", "diagnosis_date"),
    "tumour_type": ("patient", "tumour_type"), "dx_basis": ("patient", "diagnosis_basis"),
    "unresectable": ("patient", "is_unresectable"), "recurrent": ("patient", "is_recurrent"),
    "other_malignancy": ("patient", "has_other_malignancy"),
    "bclc": ("baseline", "bclc_stage"), "ecog": ("baseline", "ecog_status"),
    "child_pugh": ("baseline", "child_pugh_class"), "ascites": ("baseline", "ascites"),
    "encephalopathy": ("baseline", "encephalopathy_grade"), "ehm": ("baseline", "has_extrahepatic_metastasis"),
    "ivc_atrium": ("baseline", "has_vena_cava_or_atrium_tumour"), "pvtt": ("baseline", "pvtt_type"),
    "tumour_size_mm": ("baseline", "tumour_size_cm"), "tumour_n": ("baseline", "tumour_number"),
    "met_sites_n": ("baseline", "metastasis_site_number"), "hbsag": ("baseline", "hbsag"),
    "antiviral": ("baseline", "has_antiviral_therapy"), "cirrhosis": ("baseline", "has_cirrhosis"),
    "hvpg": ("baseline", "hvpg_mmhg"), "portal_htn": ("baseline", "has_portal_hypertension"),
    "tace": ("baseline", "has_tace"), "weight_kg": ("baseline", "body_weight_kg"),
    "pv_thrombosis": ("baseline", "has_portal_vein_thrombosis"),
    "vital_status": ("outcome", "vital_status"), "last_contact": ("outcome", "last_contact_date"),
    "death_date": ("outcome", "death_date"), "progressed": ("outcome", "has_progressed"),
    "pd_date": ("outcome", "progression_date"), "os_months": ("outcome", "overall_survival_days"),
    "pfs_months": ("outcome", "progression_days"),
}  # fmt: skip
CHECKBOXES = {
    f"metastasis___{i}": organ.value for i, organ in enumerate(Organ) if organ.value not in INTRAHEPATIC_ORGANS
}
LAB_COLUMNS = {
    "alt": "alt_u_l", "ast": "ast_u_l", "tbil": "bilirubin_umol_l", "alb": "albumin_g_l", "afp": "afp_ng_ml",
    "hbv_dna": "hbv_dna_iu_ml", "inr": "inr", "plt": "platelets_10e9_l", "crea": "creatinine_umol_l",
}  # fmt: skip
INSTRUMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "labs": ("laboratory", {"lab_visit": "visit_number", "lab_date": "sample_date"}),
    "lesions": ("lesion", {
        "les_visit": "visit_number", "les_date": "assessment_date", "les_modality": "modality", "les_id": "lesion_id",
        "les_role": "role", "les_organ": "organ", "les_status": "status", "les_mm": "diameter_mm",
        "les_viable_mm": "viable_diameter_mm", "les_tace": "is_tace_treated", "les_grown": "has_grown_since_tace",
        "les_split_from": "split_from_lesion_id", "les_merged_into": "merged_into_lesion_id",
    }),
    "response": ("response", {
        "rs_visit": "visit_number", "rs_date": "assessment_date", "rs_new": "has_new_lesion", "rs_recist": "recorded_response",
        "rs_sum_mm": "target_sum_mm",
    }),
    "therapy": ("treatment", {
        "tx_line": "line_number", "tx_drug": "drug", "tx_start": "start_date", "tx_end": "end_date",
        "tx_dose_mg": "initial_dose_mg", "tx_stop": "stop_reason",
    }),
    "procedures": ("procedure", {
        "pr_no": "procedure_number", "pr_type": "procedure", "pr_date": "procedure_date", "pr_lesion": "lesion_id",
    }),
    "adverse_events": ("adverse_event", {
        "ae_no": "event_number", "ae_term": "term", "ae_grade": "grade", "ae_onset": "onset_date",
        "ae_resolved": "resolved_date", "ae_ctcae": "ctcae_version",
    }),
}  # fmt: skip
CODED: dict[tuple[str, str], tuple[type[Code], int]] = {  # enumeration, and the number of its first member
    ("patient", "sex"): (Sex, 1), ("patient", "tumour_type"): (TumourType, 1), ("patient", "diagnosis_basis"): (DiagnosisBasis, 1),
    ("baseline", "bclc_stage"): (BclcStage, 0), ("baseline", "child_pugh_class"): (ChildPughClass, 1),
    ("baseline", "ascites"): (Ascites, 0), ("baseline", "pvtt_type"): (PvttType, 0), ("baseline", "hbsag"): (Serology, 0),
    ("outcome", "vital_status"): (VitalStatus, 0), ("lesion", "modality"): (Modality, 1), ("lesion", "role"): (LesionRole, 1),
    ("lesion", "organ"): (Organ, 0), ("lesion", "status"): (LesionStatus, 1), ("response", "recorded_response"): (Response, 1),
    ("treatment", "drug"): (Drug, 1), ("treatment", "stop_reason"): (StopReason, 1), ("procedure", "procedure"): (ProcedureType, 1),
    ("adverse_event", "term"): (AdverseEventTerm, 1), ("adverse_event", "ctcae_version"): (CtcaeVersion, 1),
}  # fmt: skip
_EVENT_NAME = "baseline_arm_1"
_MONTHS_PER_DAY = 12 / 365.25
_SCALES = {  # factor from the record's unit to the export's, and decimals
    "tumour_size_cm": (10.0, None),
    "overall_survival_days": (_MONTHS_PER_DAY, 1),
    "progression_days": (_MONTHS_PER_DAY, 1),
}


def list_columns() -> tuple[str, ...]:
    """Return the export's columns in order."""
    repeated = [column for _, columns in INSTRUMENTS.values() for column in columns]
    return (*SYSTEM_COLUMNS, *IDENTIFIERS, *MAIN_COLUMNS, *CHECKBOXES, *repeated, *LAB_COLUMNS)


def make_sheets(patients: Sequence[SyntheticPatient]) -> list[Sheet]:
    """Return the one export file with the rows of all patients: first the main row, then the repeated instruments."""
    sheet = Sheet(FILE, None, HEADER_ROW, list_columns())
    for patient in patients:
        sheet.rows.append(_main_row(patient))
        for instrument, (table, columns) in INSTRUMENTS.items():
            rows = _laboratory_rows(patient) if table == "laboratory" else _record_rows(patient, table, columns)
            for instance, row in enumerate(rows, 1):
                row.cells = _system_cells(patient.local_id, instrument, instance) | row.cells
                sheet.rows.append(row)
    return [sheet]


def _system_cells(local_id: str, instrument: str, instance: int | None) -> Cells:
    number = "" if instance is None else str(instance)
    return dict(zip(SYSTEM_COLUMNS, (local_id, _EVENT_NAME, instrument, number, MARKER), strict=True))


def _main_row(patient: SyntheticPatient) -> SheetRow:
    identity = patient.known_identity
    cells = _system_cells(identity.local_id, "", None)
    cells |= dict(zip(IDENTIFIERS, (identity.name, identity.national_id, identity.telephone), strict=True))
    for column, (table, field) in MAIN_COLUMNS.items():
        value = patient.records[table][0].get(field)
        scale = _SCALES.get(field)
        cells[column] = write_cell(table, field, round(value * scale[0], scale[1]) if scale and value else value)
    organs = {record["organ"] for record in patient.records["metastasis"]}
    cells |= {column: str(int(organ in organs)) for column, organ in CHECKBOXES.items()}
    own = [patient.records[table][0] for table in ("patient", "baseline", "outcome")]
    return SheetRow(identity.local_id, "patient", own[0] | own[1] | own[2], cells)


def _record_rows(patient: SyntheticPatient, table: str, columns: dict[str, str]) -> list[SheetRow]:
    return [
        SheetRow(patient.local_id, table, record, {c: write_cell(table, f, record.get(f)) for c, f in columns.items()})
        for record in patient.records[table]
    ]


def _laboratory_rows(patient: SyntheticPatient) -> list[SheetRow]:
    rows = []
    for visit, group in groupby(patient.records["laboratory"], key=lambda record: record["visit_number"]):
        records = list(group)
        values: Record = {record["test"]: record["value"] for record in records}
        cells: Cells = {"lab_visit": str(visit), "lab_date": date_text(records[0]["sample_date"], "iso")}
        cells |= {column: write_cell("laboratory", "value", values.get(test)) for column, test in LAB_COLUMNS.items()}
        rows.append(SheetRow(patient.local_id, "laboratory", records[0], cells))
    return rows


def write_cell(table: str, field: str, value: object) -> str:
    """Return the export's text of a value: the number of its choice, 0 or 1, an ISO date, or the value itself."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, date):
        return date_text(value, "iso")
    if isinstance(value, str) and (table, field) in CODED:
        codes, first = CODED[table, field]
        return str(first + [code.value for code in codes].index(value))
    return "not detected" if value == "not_detected" else number_text(value)  # type: ignore[arg-type]


def write_delivery(folder: Path, sheets: Sequence[Sheet]) -> None:
    """Write the export and its data dictionary into a delivery folder inside the hospital's extracts folder."""
    delivery = folder / DELIVERY
    delivery.mkdir(parents=True, exist_ok=True)
    for sheet in sheets:
        write_csv(delivery / sheet.file, None, sheet.columns, [row.cells for row in sheet.rows], "utf-8")
    write_csv(delivery / DICTIONARY_FILE, None, _DICTIONARY_HEADER, _list_dictionary(), "utf-8")


_DICTIONARY_HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Field Type",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
)


def _list_dictionary() -> list[Cells]:
    """Return the data dictionary: one line a column, with the choices of coded ones."""
    places = {column: ("main", *place) for column, place in MAIN_COLUMNS.items()}
    for instrument, (table, columns) in INSTRUMENTS.items():
        places |= {column: (instrument, table, field) for column, field in columns.items()}
    places |= {column: ("labs", "laboratory", test) for column, test in LAB_COLUMNS.items()}
    lines = []
    for column in list_columns():
        form, table, field = places.get(column, ("main", "", ""))
        codes, first = CODED.get((table, field), ((), 0))
        choices = " | ".join(f"{i}, {code.value}" for i, code in enumerate(codes, first))
        if column in CHECKBOXES:
            choices = " | ".join(f"{i}, {organ}" for i, organ in enumerate(CHECKBOXES.values(), 1))
        kind = "checkbox" if column in CHECKBOXES else "dropdown" if choices else "text"
        note = MARKER if column == "data_origin" else ""
        lines.append(dict(zip(_DICTIONARY_HEADER, (column, form, kind, choices, note), strict=True)))
    return lines


def find_header(table: str, field: str) -> str:
    """Return the column of a field, of a laboratory test, or of a column that is no field."""
    tests = {test: column for column, test in LAB_COLUMNS.items()}
    main = {place: column for column, place in MAIN_COLUMNS.items()} | {("patient", "person_id"): PERSON}
    repeated = {(owner, name): column for owner, columns in INSTRUMENTS.values() for column, name in columns.items()}
    return (main | repeated).get((table, field)) or tests.get(field, field)


def holds(row: SheetRow, test: str) -> bool:
    """Whether a row holds the laboratory test (any row, where no test is asked for)."""
    return not test or row.cells[find_header("laboratory", test)] != ""
