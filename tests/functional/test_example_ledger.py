"""The example study through the real pipeline: what was planted is found, and nothing else is."""

import csv
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from etl.example import write_example
from etl.example.cohort import draw_patients
from etl.ingest import ingest
from etl.mapping.identity import PseudonymKey
from etl.mapping.key_file import read_secrets
from etl.quality.question_page import KINDS, SECTIONS, choose_questions, render_question_page
from etl.settings import Settings
from etl.store.warehouse import read_frames
from schemas.rules import RULES

QUESTIONS = Path(__file__).parents[2] / "docs" / "questions.md"
MARGINS = Path(__file__).parents[2] / "etl" / "example" / "table1_margins.csv"
LEVEL_COLUMNS = {
    "Age (years)": "age_level", "Sex": "sex_level", "ALT (U/L)": "alt_level", "AST (U/L)": "ast_level",
    "TACE": "tace_level", "Tumor size (cm)": "tumour_size_level", "Tumor number": "tumour_number_level",
    "AFP (ng/mL)": "afp_level", "PVTT type": "pvtt_level", "ALBI grade": "albi_level",
    "Metastasis organs": "metastasis_organs_level", "Metastasis sites": "metastasis_sites_level", "HBsAg": "hbsag_level",
    "HBV DNA (IU/mL)": "hbv_dna_level", "Antiviral therapy": "antiviral_level", "Cirrhosis": "cirrhosis_level",
    "Portal hypertension": "portal_hypertension_level",
}  # fmt: skip
TABLES = (
    "patient", "baseline", "metastasis", "laboratory", "lesion", "response", "treatment", "procedure", "adverse_event",
    "outcome",
)  # fmt: skip
PLACE = ("hospital", "source_file", "source_sheet", "source_row")
Place = tuple[str, str, str, int]


class Study:
    """The example, written and ingested once: its ledger, its findings, and which patient each row belongs to."""

    def __init__(self, workspace: Path) -> None:
        settings = Settings(workspace, workspace.with_name("key"), "en")
        write_example(settings.extracts_dir)
        for hospital in ("nanfang", "hunan", "sysu"):
            ingest(settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None)
        marts = ("marts.finding", "marts.analysis_subject", "marts.attrition", "core.rule_outcomes")
        relations = [*marts, *(f"core.{name}" for name in TABLES)]
        frames = read_frames(settings.warehouse_path, relations)
        self.subjects = frames["analysis_subject"]
        self.attrition = frames["attrition"]
        self.judged_rules = set(frames["rule_outcomes"]["rule_id"])
        self.key = PseudonymKey(*read_secrets(settings.key_file))
        self.finding = frames["finding"]
        self.findings = self.finding.to_dicts()
        with (workspace / "ledger.csv").open(encoding="utf-8") as file:
            self.ledger = list(csv.DictReader(file))
        records = [record for name in TABLES for record in frames[name].select(*PLACE, "patient_id").to_dicts()]
        known = [finding for finding in self.findings if finding["patient_id"]]
        self.patient_at = {place_of(record): record["patient_id"] for record in [*known, *records]}


def place_of(record: dict) -> Place:
    return (record["hospital"], record["source_file"], record["source_sheet"] or "", record["source_row"])


def place_in(line: dict[str, str]) -> Place:
    return (line["hospital"], line["file"], line["sheet"], int(line["row"]))


TRIED_ON_INVENTED_DELIVERIES = (".month", ".placeholder", ".unknown")
"""Kinds of one rule a date field, which `tests/world` writes into every field and the contract's oracle judges; and of one a thing that the study
must know, which `tests/oracle/test_nobody_unasked.py` lets be missing."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


def test_the_ledger_is_as_rich_as_it_promises(study: Study) -> None:
    assert len(study.ledger) >= 300
    assert len({line["kind"] for line in study.ledger}) >= 100


def test_every_rule_is_planted_at_least_once(study: Study) -> None:
    """Whatever the registry judges in the three hospitals, contract or clinical, somebody got wrong on purpose."""
    planted = {line["expected_rule"] for line in study.ledger}
    judged = {rule for rule in study.judged_rules if not rule.endswith(TRIED_ON_INVENTED_DELIVERIES)}
    assert judged - planted == set()
    assert sorted(set(RULES) - planted) == [], "plant a fault for each in etl/example/<hospital>_faults.py"


def test_nobody_is_asked_about_what_is_unusual_and_right(study: Study) -> None:
    unusual = {study.key.pseudonym(p.hospital, p.local_id): p.situation for p in draw_patients() if p.situation}
    assert len(unusual) >= 10
    assert set(unusual) <= set(study.patient_at.values())
    asked = [(unusual[f["patient_id"]], f["rule_id"]) for f in study.findings if f["patient_id"] in unusual]
    assert asked == []


def test_every_planted_fault_is_found_where_it_lies(study: Study) -> None:
    found = defaultdict(set)
    for finding in study.findings:
        found[place_of(finding), finding["rule_id"]].add(finding["source_column"] or "")
    missed = [
        line
        for line in study.ledger
        if not (columns := found[place_in(line), line["expected_rule"]]) or (line["column"] not in {"", *columns})
    ]
    assert missed == []


def test_nothing_is_found_that_was_not_planted(study: Study) -> None:
    """An expected rule may fire at its own row, a consequence anywhere at the same patient."""
    expected, consequences = set(), set()
    for line in study.ledger:
        place, rules = place_in(line), line["consequence_rules"].split(";")
        expected |= {(place, rule) for rule in (line["expected_rule"], *rules)}
        consequences |= {(study.patient_at.get(place), line["hospital"], rule) for rule in rules}
    surprising = [
        (finding["rule_id"], place_of(finding))
        for finding in study.findings
        if (place_of(finding), finding["rule_id"]) not in expected
        and (finding["patient_id"], finding["hospital"], finding["rule_id"]) not in consequences
    ]
    assert surprising == []


def test_no_rule_ends_in_error(study: Study) -> None:
    assert {finding["outcome"] for finding in study.findings} == {"fail"}


def test_the_page_of_questions_is_what_the_example_asks(study: Study) -> None:
    """Under this test's own pseudonym key: nothing on the page hangs on it, nor on the order of the findings."""
    shuffled = study.finding.sample(fraction=1, shuffle=True, seed=1)
    assert QUESTIONS.read_text(encoding="utf-8") == render_question_page(shuffled), "run `make docs`"


def test_the_page_of_questions_shows_every_section_and_hospital(study: Study) -> None:
    chosen = choose_questions(study.finding)
    assert chosen.height == len(SECTIONS) + len(KINDS) == 20
    assert chosen["title"].n_unique() == chosen["rule_id"].n_unique() == 20
    assert min(chosen["hospital"].value_counts()["count"]) >= 6


def test_229_remain_with_the_published_baseline_table(study: Study) -> None:
    analysed = study.subjects.filter("is_eligible")
    assert dict(analysed["arm"].value_counts().iter_rows()) == {"sora_pd1": 127, "len_pd1": 102}
    with MARGINS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            level = analysed.filter(pl.col(LEVEL_COLUMNS[row["characteristic"]]) == row["level"])
            counts = {arm: level.filter(pl.col("arm") == arm).height for arm in ("sora_pd1", "len_pd1")}
            expected = {arm: int(row[arm]) for arm in counts}
            assert counts == expected, (row["characteristic"], row["level"])


def test_every_step_of_the_flow_chart_removes_somebody(study: Study) -> None:
    removed = dict(study.attrition.group_by("step").agg(pl.col("n_removed").sum()).sort("step").iter_rows())
    assert len(removed) == 13
    assert removed.pop(13) == 2  # one patient each who went on to a second hospital
    assert min(removed.values()) >= 3
