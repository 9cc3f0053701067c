"""Exports of REDCap as they are, by the commands and the worksheet alone: events, arms, repeated forms, codes of the project."""

import csv
import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest
from by_commands import list_questions, propose, run
from worksheet_desk import AUTHOR_ROWS, README, fill, list_rows, read_cells, write_cells

from etl.errors import OpenDecisionsError
from etl.onboarding.worksheet.form import CODES, COLUMNS, DELIVERIES, SHEETS
from etl.settings import Settings
from etl.store.warehouse import read_frames

CASES = Path(__file__).parents[3] / "shared" / "cases" / "files"
ORGANS = {"1": "lung", "2": "bone", "3": "lymph_node"}
EVENTS = ("enrolment", "baseline", "month_3", "month_6")


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "workspace", tmp_path / "key", "en")


def read_tables(settings, *names):
    return read_frames(settings.warehouse_path, [f"core.{name}" for name in names])


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are absent")
def test_a_longitudinal_export_asks_for_what_no_choice_list_says_and_nothing_else(settings):
    path = propose(settings, CASES / "redcap_longitudinal")
    assert sorted(item for _, item in list_questions(path)) == ["-98", "3", "UNK"]  # 3 is lost to follow-up
    fill(path, lambda *_: ("", "", ""), lambda *_: "missing")
    done = run(settings, "ingest", "new", "--extract", str(CASES / "redcap_longitudinal"), "--extracted", "2022-01-01")
    assert done.returncode == 0, done.stderr
    tables = read_tables(settings, "patient", "baseline", "outcome", "metastasis", "laboratory")
    heights = {name: frame.height for name, frame in tables.items()}
    assert heights == {"patient": 12, "baseline": 12, "outcome": 12, "metastasis": 9, "laboratory": 10}
    assert dict(tables["metastasis"]["organ"].value_counts().iter_rows()) == {"lung": 3, "bone": 6}
    assert sorted(tables["patient"]["birth_date"])[0] == dt.date(1950, 1, 10)
    assert tables["baseline"].filter(pl.col("ecog_status").is_null()).height == 1


@pytest.mark.parametrize(
    ("of_project", "of_text", "n_texts"), [("missing", "missing", 29), ("ask", "missing", 29), ("ask", "value", 30)]
)
def test_a_code_of_the_project_is_asked_of_a_free_text_apart(tmp_path, settings, of_project, of_text, n_texts):
    """Where it shall be asked about, a number that cannot be is; a free text would keep it as what the hospital wrote."""
    lines = ["record_id,redcap_event_name,sex,dob,tumour number,pvtt text,baseline_complete"]
    row = "{n},baseline_arm_1,{sex},19{year}-01-05,{number},{text},2"
    for n in range(1, 31):
        number, text = (-9 if n == 30 else 1 + n % 4), ("-9" if n == 29 else "门静脉主干癌栓")
        lines.append(row.format(n=n, sex="男" if n % 2 else "女", year=40 + n, number=number, text=text))
    (tmp_path / "x_2021-01-01.csv").write_text("\n".join(lines), encoding="utf-8")
    path = propose(settings, tmp_path / "x_2021-01-01.csv")
    assert list_questions(path) == [(CODES, "-9")] * 2
    said = {"*.*": of_project, "baseline.pvtt_text": of_text}
    fill(path, lambda *_: ("", "", ""), lambda field, _: said[field])
    done = run(settings, "ingest", "new", "--extract", str(tmp_path / "x_2021-01-01.csv"))
    assert done.returncode == 0, done.stderr
    baseline = read_tables(settings, "baseline")["baseline"]
    assert (baseline["pvtt_text"].count(), baseline["tumour_number"].count()) == (n_texts, 29)


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are absent")
def test_codes_of_a_column_that_a_person_names_are_asked_in_a_second_worksheet(settings):
    delivery = CASES / "drugs_many"
    path = propose(settings, delivery)
    fill(path, lambda _, c: ("treatment.drug" if c == "medi_x" else "as proposed", "", ""), lambda *_: "missing")
    day = ("ingest", "new", "--extract", str(delivery), "--extracted", "2022-01-01")
    asked = run(settings, *day)
    assert asked.returncode == OpenDecisionsError.exit_code
    changes = path.with_name("changes.xlsx")
    spellings = [item for _, item in list_questions(changes)]
    assert len(spellings) == len(set(spellings)) == 12
    assert {"Naxavar", "Gemox"} < set(spellings)
    assert "Nexavar" not in spellings
    fill(changes, lambda *_: ("", "", ""), lambda *_: "ask")
    done = run(settings, *day)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("weak point") < done.stdout.index("loaded as ingest")
    drugs = dict(read_tables(settings, "treatment")["treatment"]["drug"].value_counts().iter_rows())
    assert drugs == {"lenvatinib": 6, "sorafenib": 12}


# ---- an export that is written from a truth drawn first


def draw_truth(n, rng):
    """What is true of each patient; whoever has no month 6 was not seen then."""
    truth = []
    for number in range(1, n + 1):
        enrolled = dt.date(2020, 1, 1) + dt.timedelta(days=rng.randrange(200))
        contacts = {"month_3": enrolled + dt.timedelta(days=90)}
        if rng.random() < 0.7:
            contacts["month_6"] = enrolled + dt.timedelta(days=180)
        last = list(contacts)[-1]
        truth.append(
            {
                "id": number, "arm": rng.choice("12"), "sex": rng.choice(("male", "female")),
                "birth": dt.date(1940, 1, 1) + dt.timedelta(days=97 * number), "ecog": rng.choice((0, 1, 2)),
                "cirrhosis": rng.choice((True, False, None)), "organs": sorted(o for o in ORGANS.values() if rng.random() < 0.3),
                "dead": rng.random() < 0.4, "contacts": contacts, "last": contacts[last],
                "afp": {e: [round(rng.uniform(1, 900), 1) for _ in range(1)] for e in ("baseline", *contacts)},
                "drugs": rng.sample(("1", "2"), rng.randrange(1, 3)),
            }
        )  # fmt: skip
    return truth


DRUGS = {"1": "lenvatinib", "2": "sorafenib"}
FIELDS = [
    ("record_id", "enrolment", "text", "Record ID", ""), ("sex", "enrolment", "radio", "Sex", "1, Male | 2, Female"),
    ("dob", "enrolment", "text", "Date of birth", ""), ("ecog", "baseline", "radio", "ECOG", "1, ECOG 0 | 2, ECOG 1 | 3, ECOG 2 | -9, Not done"),
    ("cirrhosis", "baseline", "yesno", "Cirrhosis", ""),
    ("mets", "baseline", "checkbox", "Organs with metastases", "1, Lung | 2, Bone | 3, Lymph node | -9, Unknown"),
    ("afp", "labs", "text", "AFP (ng/mL)", ""), ("vital", "followup", "radio", "Vital status", "0, Alive | 1, Dead"),
    ("last_fu", "followup", "text", "Date of last follow-up", ""), ("tx_drug", "therapy", "dropdown", "Drug", "1, Lenvatinib | 2, Sorafenib"),
    ("tx_line", "therapy", "text", "Line", ""),
]  # fmt: skip
FORMS = ("enrolment", "baseline", "labs", "followup")
HEADER = [
    "record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "sex", "dob", "enrolment_complete", "ecog",
    "cirrhosis", "mets___1", "mets___2", "mets___3", "mets____9", "baseline_complete", "afp", "labs_complete", "vital", "last_fu",
    "followup_complete", "tx_drug", "tx_line", "therapy_complete",
]  # fmt: skip


def list_export_rows(truth):
    """The rows as REDCap writes them: one per record and event, one per repeat; boxes of a form are 0 wherever nobody opened it."""
    for p in truth:
        arm = f"_arm_{p['arm']}"
        boxes = {f"mets___{code}": str(int(organ in p["organs"])) for code, organ in ORGANS.items()} | {
            "mets____9": "0"
        }
        unopened = dict.fromkeys(boxes, "0")
        common = {"record_id": str(p["id"])}
        yield {**common, "redcap_event_name": f"enrolment{arm}", "sex": "1" if p["sex"] == "male" else "2", "dob": p["birth"].isoformat(),
               "enrolment_complete": "2", **unopened}  # fmt: skip
        cirrhosis = {True: "1", False: "0", None: "NAV"}[p["cirrhosis"]]
        yield {**common, "redcap_event_name": f"baseline{arm}", "ecog": str(p["ecog"] + 1), "cirrhosis": cirrhosis, **boxes,
               "baseline_complete": "2", "afp": str(p["afp"]["baseline"][0]), "labs_complete": "2"}  # fmt: skip
        for event, day in p["contacts"].items():
            is_dead = p["dead"] and day == p["last"]
            yield {**common, "redcap_event_name": f"{event}{arm}", **unopened, "baseline_complete": "", "afp": str(p["afp"][event][0]),
                   "labs_complete": "2", "vital": str(int(is_dead)), "last_fu": day.isoformat(), "followup_complete": "2"}  # fmt: skip
        for n, drug in enumerate(p["drugs"], 1):
            yield {**common, "redcap_event_name": f"month_3{arm}", "redcap_repeat_instrument": "therapy", "redcap_repeat_instance": str(n),
                   **unopened, "tx_drug": drug, "tx_line": str(n), "therapy_complete": "2"}  # fmt: skip


LABELS = {name: label for name, _, _, label, _ in FIELDS}
CHOICES = {
    name: dict(part.strip().split(", ", 1) for part in choices.split("|"))
    for name, _, _, _, choices in FIELDS
    if choices
}
CHOICES["cirrhosis"] = {"1": "Yes", "0": "No"}
STATES = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
SYSTEM = {
    "redcap_event_name": "Event Name", "redcap_repeat_instrument": "Repeat Instrument", "redcap_repeat_instance": "Repeat Instance",
}  # fmt: skip


def label_header(name):
    field, _, code = name.partition("___")
    if code:
        return f"{LABELS[field]} (choice={CHOICES[field].get(code) or CHOICES[field][code.replace('_', '-')]})"
    return SYSTEM.get(name) or LABELS.get(name) or "Complete?"


def label_cell(name, text):
    if not text:
        return text
    if "___" in name:
        return {"0": "Unchecked", "1": "Checked"}[text]
    if name == "redcap_event_name":
        event, _, arm = text.partition("_arm_")
        return f"{event.replace('_', ' ').capitalize()} (Arm {arm}: Group {arm})"
    return STATES[text] if name.endswith("_complete") else CHOICES.get(name, {}).get(text, text)


def write_export(folder, truth, *, labelled):
    folder.mkdir()
    rows = [{name: row.get(name, "") for name in HEADER} for row in list_export_rows(truth)]
    with (folder / "HCC_DATA_2021-06-30.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([label_header(name) if labelled else name for name in HEADER])
        writer.writerows([[label_cell(n, t) if labelled else t for n, t in row.items()] for row in rows])
    with (folder / "HCC_DataDictionary_2021-06-30.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Variable / Field Name", "Form Name", "Field Type", "Field Label", "Choices, Calculations, OR Slider Labels",
                         "Text Validation Type OR Show Slider Number"])  # fmt: skip
        kinds = {"dob": "date_mdy", "last_fu": "date_dmy", "afp": "number"}
        writer.writerows(
            [[name, form, kind, label, choices, kinds.get(name, "")] for name, form, kind, label, choices in FIELDS]
        )
    return folder


def decide_code(field, code):
    named = code.lower().replace(" ", "_")
    visits = {"month_3": "1", "month_6": "2"}
    return next((visit for event, visit in visits.items() if named.startswith(event)), "missing")


@pytest.mark.parametrize("labelled", [False, True])
def test_events_arms_and_repeated_forms_give_the_values_that_were_drawn(tmp_path, settings, labelled):
    truth = draw_truth(40, random.Random(15))
    delivery = write_export(tmp_path / "export_2021-06-30", truth, labelled=labelled)
    path = propose(settings, delivery)
    asked = list_questions(path)
    assert not [item for sheet, item in asked if sheet == COLUMNS]
    n_later = len({(p["arm"], event) for p in truth for event in p["contacts"]})
    # The missing code of the project, each event after the baseline, and which of a patient's rows counts for the outcome.
    assert len(asked) == 1 + n_later + 1, asked
    fill(path, lambda *_: ("", "", ""), decide_code)
    cells = read_cells(path)
    row = next(n for n, texts in list_rows(cells, SHEETS) if "G" not in texts)
    write_cells(path, {(SHEETS, f"G{row}"): "last row counts"})
    done = run(settings, "ingest", "new", "--extract", str(delivery), "--extracted", "2022-12-31")
    assert done.returncode == 0, done.stderr
    compare(read_tables(settings, "patient", "baseline", "outcome", "metastasis", "laboratory", "treatment"), truth)


def compare(tables, truth):
    """Each table holds what was drawn, and nothing else; a patient is known by the day of birth."""
    born = dict(tables["patient"].select("patient_id", "birth_date").iter_rows())

    def read(table, *fields):
        return sorted((born[row[0]], *row[1:]) for row in tables[table].select("patient_id", *fields).iter_rows())

    assert read("patient", "sex") == sorted((p["birth"], p["sex"]) for p in truth)
    assert read("baseline", "ecog_status") == sorted((p["birth"], p["ecog"]) for p in truth)
    got = {born[i]: value for i, value in tables["baseline"].select("patient_id", "has_cirrhosis").iter_rows()}
    assert got == {p["birth"]: p["cirrhosis"] for p in truth}
    assert read("outcome", "vital_status", "last_contact_date") == sorted(
        (p["birth"], "dead" if p["dead"] else "alive", p["last"]) for p in truth
    )
    assert read("metastasis", "organ") == sorted((p["birth"], organ) for p in truth for organ in p["organs"])
    visits = {"baseline": 0, "month_3": 1, "month_6": 2}
    wanted = sorted((p["birth"], visits[e], values[0]) for p in truth for e, values in p["afp"].items())
    assert read("laboratory", "visit_number", "value") == wanted
    assert read("treatment", "line_number", "drug") == sorted(
        (p["birth"], n, DRUGS[code]) for p in truth for n, code in enumerate(p["drugs"], 1)
    )


def test_rows_that_contradict_each_other_are_asked_about_at_their_own_rows(tmp_path, settings):
    """Without an answer which of them counts, an outcome said twice and differently is set aside; what agrees is one record."""
    lines = ["record_id,redcap_event_name,sex,dob,vital status,last_fu,followup_complete"]
    for n in range(1, 21):
        lines += [f"{n},baseline_arm_1,{'男' if n % 2 else '女'},19{40 + n}-01-05,,,"]
        lines += [
            f"{n},month_{m}_arm_1,,,{'存活' if m == 3 or n > 2 else '死亡'},2020-0{m}-11,2"
            for m in ((3, 6) if n < 3 else (6,))
        ]
    (tmp_path / "x_2021-01-01.csv").write_text("\n".join(lines), encoding="utf-8")
    path = propose(settings, tmp_path / "x_2021-01-01.csv")
    assert [sheet for sheet, _ in list_questions(path)] == [SHEETS]
    fill(path, lambda *_: ("", "", ""), lambda *_: "missing")
    number = next(n for n, texts in list_rows(read_cells(path), SHEETS) if "G" not in texts)
    write_cells(path, {(SHEETS, f"G{number}"): "as proposed"})
    done = run(settings, "ingest", "new", "--extract", str(tmp_path / "x_2021-01-01.csv"))
    assert done.returncode == 0, done.stderr
    tables = read_tables(settings, "patient", "outcome", "findings")
    assert (tables["patient"].height, tables["outcome"].height) == (20, 18)
    asked = tables["findings"].filter(pl.col("rule_id") == "outcome.key.duplicate")
    assert sorted(asked["source_row"]) == [3, 4, 6, 7]


def test_an_addition_in_which_no_box_is_ticked_any_more_takes_the_earlier_ticks_away(tmp_path, settings):
    """Boxes of forms that nobody opened are exported as 0 too: in a later event, of another patient, they take nothing away."""
    truth = draw_truth(40, random.Random(15))
    path = propose(settings, write_export(tmp_path / "export_2021-06-30", truth, labelled=False))
    fill(path, lambda *_: ("", "", ""), decide_code)
    row = next(n for n, texts in list_rows(read_cells(path), SHEETS) if "G" not in texts)
    additions = {(README, f"B{AUTHOR_ROWS[DELIVERIES] + 1}"): "只含新增内容 only what is new since the last one"}
    write_cells(path, {(SHEETS, f"G{row}"): "last row counts", **additions})
    ingest = ("ingest", "new", "--extracted", "2022-12-31", "--extract")
    done = run(settings, *ingest, str(tmp_path / "export_2021-06-30"))
    assert done.returncode == 0, done.stderr
    emptied, kept = [p for p in truth if len(p["organs"]) > 0][:2]
    organs = kept["organs"]
    # One patient's baseline comes corrected, without a tick; of the other only what followed is sent.
    later = [{**emptied, "organs": []}, {**kept, "organs": []}]
    rows = [
        r for r in list_export_rows(later) if r["record_id"] == str(emptied["id"]) or "month" in r["redcap_event_name"]
    ]
    folder = tmp_path / "export_2021-09-30"
    folder.mkdir()
    with (folder / "HCC_DATA_2021-09-30.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([HEADER, *([r.get(name, "") for name in HEADER] for r in rows)])
    dictionary = next((tmp_path / "export_2021-06-30").glob("*Dictionary*"))
    (folder / dictionary.name).write_bytes(dictionary.read_bytes())
    done = run(settings, *ingest, str(folder))
    assert done.returncode == 0, done.stderr
    emptied["organs"], kept["organs"] = [], organs
    del kept["afp"]["baseline"]  # a patient's laboratory is sent anew as a whole
    compare(read_tables(settings, "patient", "baseline", "outcome", "metastasis", "laboratory", "treatment"), truth)
