"""Histories of lesions as one would draw them on paper: lesions down, visits across, what follows below. SYNTHETIC EXAMPLE DATA.

    |              | role       | organ | 0: day -10 | 1: day 45 | 2: day 101  |
    | T1           | target     | liver | 50         | 35        | absent      |
    | N1           | non_target | bone  | present    | present   | progression |
    | X1           | new        | brain |            |           | 12 @106     |
    | new lesion?  |            |       |            | no        |             |
    | recorded     |            |       |            | PR        | PD @106     |
    | = response   |            |       |            | PR        | PD          |

A visit is its number and its day from the start of therapy (a visit without a day has no date). A cell of a lesion is its
diameter in mm, its status, or both (`too_small 4`), then the lesion with which it has merged (`merged >T1`) and the day of its
own image, where it is another one (`@106`); an empty cell is no record. The lines `sum`, `new lesion?` and `recorded` are
the hospital's own reading of the visit. Lines that begin with `=` name a column of `assessment` and say what must stand in
it, `none` that nothing may; an empty cell says nothing.

More columns of a lesion, where they are needed: `reader` (else `site`), `fragment of` (the lesion that has split), `tace`:
`before` (treated before the baseline image), `grown` (the same, and it has grown since), `after` (treated after it).

The patient is the correct one (tests/clinical_tables.py): therapy from 2020-03-01, day 0; here without an earlier or a later
treatment, without a recorded progression, and last seen alive on day 275. He has 4 liver lesions and 6 metastases, so that
a list of fewer targets does not hold every lesion.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from clinical_tables import derive_case, make_case, read_rows

from schemas.derive import derive
from schemas.tables import TABLES

START = date(2020, 3, 1)
ALIVE_WITHOUT_PROGRESSION = (
    "outcome.vital_status=alive; outcome.death_date=; outcome.has_progressed=; outcome.progression_date=; -treatment[3]; "
    "-procedure; baseline.has_tace=false"
)
EVERY_LESION_LISTED = "baseline.tumour_number=1; baseline.metastasis_site_number=1"
"""One liver lesion and one metastasis: a list of two targets holds every lesion."""

VISIT = re.compile(r"(?P<number>\d+):(?: day (?P<day>-?\d+))?")
DAY = re.compile(r"\bday (-?\d+)")
READINGS = {"sum": "target_sum_mm", "new lesion?": "has_new_lesion", "recorded": "recorded_response"}
WORDS = {"yes": "true", "no": "false"}
TACE = {"before": {"is_tace_treated": "true"}, "grown": {"is_tace_treated": "true", "has_grown_since_tace": "true"}}


@dataclass(frozen=True)
class Patient:
    """One invented patient: a sentence that must hold, why it does here, his lesions, further edits, columns of `subject`.

    `edits` are those of schemas/example_patient.py, `subject` is `column=value; ...`; in both `day 45` is that date.
    """

    name: str
    why: str
    grid: str
    edits: str = ""
    subject: str = ""
    lists_every_new_lesion: bool = False


def assert_follows(patient: Patient) -> None:
    """Assert that every value follows that the patient's grid and `subject` name."""
    derived = derive_history(patient)
    own = derived["subject"].filter(patient_id="p1").row(0, named=True)
    assessment = derived["assessment"].filter(patient_id="p1", criteria="recist_1_1")
    readings = {(row["reader"], row["visit_number"]): row for row in assessment.iter_rows(named=True)}
    checks = [
        (column, describe_value(own.get(column, "no such column")), value)
        for column, value in read_pairs(patient.subject).items()
    ]
    for (reader, visit, column), value in _read_expected(patient.grid).items():
        reading = readings.get((reader, visit))
        found = describe_value(reading.get(column, "no such column")) if reading else "no such visit"
        checks.append((f"{column} of visit {visit}, reader {reader}", found, value))
    assert checks, "a patient of whom nothing is expected"
    wrong = [f"{what}: {found}, must be {value}" for what, found, value in checks if found != value]
    assert not wrong, f"{patient.why}\n" + "\n".join(wrong)


def read_pairs(text: str) -> dict[str, str]:
    """Return `column=value; ...` as a dict."""
    return dict(pair.strip().split("=", 1) for pair in text.split(";") if pair.strip())


def derive_history(patient: Patient) -> dict[str, pl.DataFrame]:
    """Return what is derived of the patient, p1, beside the unchanged correct patient, p2."""
    return derive_tables(patient)[1]


def derive_tables(patient: Patient) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Return the tables of the patient, p1, and of the unchanged correct patient, p2, and what is derived of them."""
    edits = f"{ALIVE_WITHOUT_PROGRESSION}; {_write_dates(make_edits(patient.grid))}; {_write_dates(patient.edits)}"
    if not patient.lists_every_new_lesion:
        return derive_case(edits)
    tables = make_case(edits)
    return tables, derive(tables, sent=TABLES, lists_every_new_lesion=True)


def name_patient(patient: Patient) -> str:
    """Return what pytest calls the patient."""
    return patient.name


def make_edits(grid: str) -> str:
    """Return the edits of the correct patient that give him the lesions and readings of a grid, and no others."""
    lesions, readings = [], []
    lines = read_rows(grid)
    for header, visit in _find_visits(lines[0]):
        for line in lines:
            if line[""] not in READINGS and not (line[""] or "").startswith("=") and line[header]:
                lesions.append(_read_lesion(line, visit, line[header] or ""))
        readings.extend(_read_readings(lines, header, visit))
    records = [("lesion", number, record) for number, record in enumerate(lesions, start=1)]
    records += [("response", number, record) for number, record in enumerate(readings, start=1)]
    return "; ".join(
        ["-lesion; -response"]
        + [
            f"{table}[{number}].{field}={value}"
            for table, number, record in records
            for field, value in record.items()
            if value
        ]
    )


def _write_dates(text: str) -> str:
    return DAY.sub(lambda day: (START + timedelta(days=int(day[1]))).isoformat(), text)


def _find_visits(line: dict[str, str | None]) -> list[tuple[str, re.Match[str]]]:
    return [(header, visit) for header in line if (visit := VISIT.fullmatch(header))]


def _date_visit(visit: re.Match[str], words: list[str]) -> str | None:
    """The day of a cell's own image (`@106`), taken off its words, else of the visit."""
    own = [words.pop(words.index(word))[1:] for word in list(words) if word.startswith("@")]
    day = own[0] if own else visit["day"]
    return None if day is None else f"day {day}"


def _read_lesion(line: dict[str, str | None], visit: re.Match[str], cell: str) -> dict[str, str | None]:
    words = cell.split()
    day = _date_visit(visit, words)
    merged = [words.pop(words.index(word))[1:] for word in list(words) if word.startswith(">")]
    sizes = [word for word in words if word.replace(".", "").isdigit()]
    status = [word for word in words if word not in sizes] or ["measured"]
    tace = line.get("tace")
    treated = {"is_tace_treated": "true"} if tace == "after" and visit["number"] != "0" else TACE.get(tace or "", {})
    return {
        "visit_number": visit["number"],
        "reader": line.get("reader") or "site",
        "lesion_id": line[""],
        "assessment_date": day,
        "modality": "ct",
        "role": line["role"],
        "organ": line["organ"],
        "status": status[0],
        "diameter_mm": sizes[0] if sizes else None,
        "split_from_lesion_id": line.get("fragment of"),
        "merged_into_lesion_id": merged[0] if merged else None,
        **{"is_tace_treated": "false", **treated},
    }


def _read_readings(
    lines: list[dict[str, str | None]], header: str, visit: re.Match[str]
) -> list[dict[str, str | None]]:
    """One response record a reader, of those who say anything of this visit."""
    readings: dict[str, dict[str, str | None]] = {}
    for line in lines:
        cell = line[header]
        if line[""] not in READINGS or cell is None:
            continue
        words, reader = cell.split(), line.get("reader") or "site"
        key = {"visit_number": visit["number"], "reader": reader, "criteria": "recist_1_1"}
        reading = readings.setdefault(reader, {**key, "assessment_date": _date_visit(visit, [])})
        if "@" in cell:
            reading["assessment_date"] = _date_visit(visit, words)
        reading[READINGS[line[""] or ""]] = WORDS.get(words[0], words[0])
    return list(readings.values())


def _read_expected(grid: str) -> dict[tuple[str, int, str], str]:
    lines = read_rows(grid)
    return {
        (line.get("reader") or "site", int(visit["number"]), (line[""] or "").removeprefix("=").strip()): value
        for line in lines
        if (line[""] or "").startswith("=")
        for header, visit in _find_visits(line)
        if (value := line[header])
    }


def describe_value(value: object) -> str:
    """Return a value as a grid writes it: `none`, `true`, `day 45`, a number, a word."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"day {(value - START).days}"
    return f"{value:g}" if isinstance(value, float) else str(value)
