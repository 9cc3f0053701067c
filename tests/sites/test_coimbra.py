"""HCC Survival (Coimbra), real and public patients: a bare file read whole, mixed units found out, nobody eligible."""

import csv

import polars as pl
import pytest
from public_site import SHARED, Loaded, check_accounts, load_public

from analysis.inputs import MARTS
from analysis.run import run_study
from analysis.study.read_spec import read_study
from etl.errors import AnalysisError

FOLDER = SHARED / "data" / "hcc_coimbra"
DATA = FOLDER / "hcc-data.txt"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="HCC Survival is not here; docs/coimbra.md tells how to get the file"
)

QUARANTINED = {
    # Counts per microlitre in a column of 10^9/L: 42000 to 459000. The other 47 (1.71, and 51 to 561) can be 10^9/L, and
    # are read so; nothing is converted unasked.
    ("laboratory.value.unit_slip", "Platelets"): 115,
    # 32.3 and 40.5 in a column of mg/dL are 552 and 693 umol/L: deep jaundice, or an everyday value in umol/L.
    ("laboratory.value.unit_slip", "Total Bil"): 2,
}

ASKED = {
    **QUARANTINED,
    # 1.71 of 10^9/L: nobody walks about with it, and in no unit is it an everyday count.
    ("laboratory.value.implausible", "Platelets"): 1,
    # 1,810,346 ng/mL: beyond what assays report after dilution.
    ("laboratory.value.implausible", "AFP"): 1,
    # 0.2 mg/dL in a woman of 23: possible, rare.
    ("laboratory.value.implausible", "Creatinine"): 1,
    # `?` in a field that the study needs.
    ("baseline.ascites.missing", "Ascites"): 2,
    ("baseline.hbsag.missing", "HBsAg"): 17,
    ("baseline.has_portal_hypertension.missing", "PHT"): 11,
    ("baseline.tumour_size_cm.missing", "Major Dim"): 20,
    # ALT, AST, bilirubin, albumin or AFP is `?` or set aside, or HBsAg is positive: the file has no HBV DNA.
    ("baseline_laboratory_is_complete", None): 30,
    # ECOG 0 and the parts of Child-Pugh leave class B or C open: the file has no class of its own (I3 is unknown).
    ("study.child_pugh_class.unknown", "Ascites"): 55,
    # Once a patient: what the study needs and the file does not have, such as arm and start.
    ("study.not_sent", None): 165,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    return load_public("coimbra", FOLDER, tmp_path_factory.mktemp("coimbra"))


@pytest.fixture(scope="module")
def cells() -> list[list[str]]:
    with DATA.open(newline="") as file:
        return list(csv.reader(file))


def test_165_patients_are_loaded_and_nothing_is_lost(loaded):
    accounts = loaded.summary.accounts
    check_accounts(loaded.summary)
    assert (accounts["patients"], accounts["rows_used"], accounts["records_quarantined"]) == (165, 165, 0)
    assert accounts["records_loaded"] == 165 * 10  # patient, baseline and eight laboratory values each
    assert (accounts["cells"], accounts["cells_mapped"], accounts["cells_identifier"]) == (165 * 50, 165 * 16, 0)


def test_every_cell_that_was_set_aside_has_its_reason(loaded):
    assert loaded.count_quarantined_cells() == QUARANTINED


def test_the_question_names_the_unit_that_a_value_looks_like(loaded):
    findings = loaded.read("versions.findings")["findings"].filter(pl.col("rule_id") == "laboratory.value.unit_slip")
    for column, unit in (("Platelets", "/uL"), ("Total Bil", "umol/L")):
        messages = findings.filter(pl.col("source_column") == column)["message_en"]
        assert messages.str.contains(f"it looks like {unit}", literal=True).all()


def test_what_is_asked_is_asked_for_a_reason_that_the_file_shows(loaded):
    assert loaded.count_findings() == ASKED


@pytest.mark.parametrize(
    ("test", "position", "factor"),
    # Positions counted in hcc-description.txt, from 1; factors by definition and by the protocol's conventions.
    [
        ("inr", 30, 1), ("afp_ng_ml", 31, 1), ("platelets_10e9_l", 35, 1), ("albumin_g_l", 36, 10),
        ("bilirubin_umol_l", 37, 17.1), ("alt_u_l", 38, 1), ("ast_u_l", 39, 1), ("creatinine_umol_l", 43, 88.4),
    ],
)  # fmt: skip
def test_every_laboratory_value_is_that_of_its_cell(loaded, cells, test, position, factor):
    laboratory = loaded.read("core.laboratory")["laboratory"].filter(pl.col("test") == test)
    aside = loaded.read("versions.quarantine")["quarantine"]
    rows_aside = set(aside.filter(pl.col("record_key").str.contains(f"test={test}", literal=True))["source_row"])
    values = dict(laboratory.select("source_row", "value").iter_rows())
    assert sorted(values) == list(range(1, 166))
    for row, value in values.items():
        text = cells[row - 1][position - 1]
        if text == "?" or row in rows_aside:
            assert value is None
        else:
            assert value == pytest.approx(float(text) * factor, rel=1e-12)


@pytest.mark.parametrize(
    ("field", "position", "meaning"),
    [
        ("sex", 1, {"1": "male", "0": "female"}),
        ("hbsag", 4, {"1": "positive", "0": "negative"}),
        ("has_cirrhosis", 8, {"1": True, "0": False}),
        ("has_portal_hypertension", 20, {"1": True, "0": False}),
        ("has_portal_vein_thrombosis", 21, {"1": True, "0": False}),
        ("ecog_status", 27, {str(status): status for status in range(5)}),
        ("ascites", 29, {"1": "none", "2": "mild", "3": "moderate_or_more"}),
    ],
)
def test_every_code_means_what_the_description_says(loaded, cells, field, position, meaning):
    frames = loaded.read("core.patient", "core.baseline")
    frame = frames["patient"] if field == "sex" else frames["baseline"]
    for row, value in frame.select("source_row", field).iter_rows():
        assert value == meaning.get(cells[row - 1][position - 1])


def test_albi_of_the_first_patient(loaded):
    # Row 1: bilirubin 2.1 mg/dL = 35.91 umol/L, albumin 3.4 g/dL = 34 g/L;
    # 0.66 x log10(35.91) - 0.085 x 34 = 0.66 x 1.55522 - 2.89 = -1.86356, grade 2.
    first = loaded.read("core.subject")["subject"].row(by_predicate=pl.col("source_row") == 1, named=True)
    assert first["albi_score"] == pytest.approx(-1.86356, abs=5e-6)
    assert first["albi_grade"] == 2


def test_nobody_is_eligible_and_everybody_has_a_reason(loaded, tmp_path):
    criteria = loaded.count_criteria()
    assert criteria["e4_complete_data", False] == 165
    # performance status 1 to 4: 85; two more are of class C whatever the missing parts of Child-Pugh say
    assert criteria["i3_liver_function_and_ecog", False] == 87
    assert {name for name, met in criteria if met} <= {
        "i3_liver_function_and_ecog"
    }  # nothing else can be said to be met
    frames = loaded.read(*MARTS, "core.eligibility")
    with pytest.raises(AnalysisError, match=r"no patient is left to analyse.*i3_liver_function_and_ecog: 87"):
        run_study(frames, read_study("len_vs_sora"), tmp_path / "analysis", {})
    assert not (tmp_path / "analysis").exists()
