"""HCC-TACE-Seg, real and public patients: nothing lost, nobody eligible, RECIST and median survival as published and in R."""

import json

import polars as pl
import pytest
from public_site import SHARED, Loaded, check_accounts, load_public

from analysis.inputs import MARTS
from analysis.run import run_study
from analysis.study.read_spec import read_study
from etl.errors import AnalysisError

WORKBOOK = SHARED / "data" / "hcc_tace_seg" / "HCC-TACE-Seg_clinical_data-V2.xlsx"
REFERENCE = SHARED / "reference" / "r_reference.json"

pytestmark = pytest.mark.skipif(
    not WORKBOOK.exists(), reason="HCC-TACE-Seg is not here; docs/tace-seg.md tells how to get the file"
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    return load_public("tace_seg", WORKBOOK, tmp_path_factory.mktemp("tace_seg"))


def test_105_patients_are_loaded_and_nothing_is_lost(loaded):
    accounts = loaded.summary.accounts
    check_accounts(loaded.summary)
    assert (accounts["patients"], accounts["rows_used"], accounts["records_quarantined"]) == (105, 105, 0)
    assert loaded.count_quarantined_cells() == {}


def test_what_is_asked_is_asked_for_a_reason_that_the_workbook_shows(loaded):
    findings = loaded.read("versions.findings")["findings"]
    assert findings.filter(pl.col("outcome") == "error").is_empty()
    missing_size = findings.filter(pl.col("rule_id") == "baseline.tumour_size_cm.missing")
    assert missing_size.height == 52  # half of Tr_Size is empty


def test_the_three_readers_categories_follow_from_their_sums(loaded):
    assessments = loaded.read("core.assessment")["assessment"].filter(pl.col("recorded_response").is_not_null())
    assert assessments.height == 574
    assert assessments["reader"].unique().sort().to_list() == ["1", "2", "3"]
    # A sum alone shows what became of the targets. Two patients' second images are dated before their therapy: no response.
    later = assessments.filter("is_follow_up")
    assert later.height == 568
    assert (later["target_response"] == later["recorded_response"]).all()
    assert assessments.filter(~pl.col("is_follow_up"))["response"].null_count() == 6


def test_nobody_is_eligible_and_everybody_has_a_reason(loaded, tmp_path):
    frames = loaded.read(*MARTS, "core.eligibility")
    assert not frames["analysis_subject"]["is_eligible"].any()
    reasons = frames["eligibility"].filter(~pl.col("is_met").fill_null(value=False))
    assert reasons["patient_id"].n_unique() == 105
    with pytest.raises(AnalysisError, match=r"no patient is left to analyse.*i2_bclc_c_with_metastasis: 98") as caught:
        run_study(frames, read_study("len_vs_sora"), tmp_path / "analysis", {})
    assert caught.value.exit_code != 0
    assert not (tmp_path / "analysis").exists()


def test_its_own_study_gives_the_median_survival_of_r(loaded, tmp_path):
    frames = loaded.read(*MARTS)
    run_study(frames, read_study("tace_seg"), tmp_path / "analysis", {})
    results = pl.read_parquet(tmp_path / "analysis" / "results.parquet")
    values = dict(results.select("result_id", "value").iter_rows())
    expected = json.loads(REFERENCE.read_text())["hcc_tace_seg"]["os_weeks"]
    # The workbook prints weeks with 10 digits, so days come back to the whole day only after rounding.
    assert values["kaplan_meier.all.os.median.estimate"] == pytest.approx(expected["table"]["median"], rel=1e-8)
    for row in expected["at"]:
        rate = values[f"kaplan_meier.all.os.survival.{row['time']:g}w.estimate"]
        assert rate == pytest.approx(100 * row["surv"], rel=1e-8)


def test_the_comparison_by_portal_vein_thrombosis_gives_the_log_rank_test_of_r(loaded, tmp_path):
    frames = loaded.read(*MARTS)
    run_study(frames, read_study("tace_seg_pvt"), tmp_path / "analysis", {})
    results = pl.read_parquet(tmp_path / "analysis" / "results.parquet")
    values = dict(results.select("result_id", "value").iter_rows())
    reference = json.loads(REFERENCE.read_text())["hcc_tace_seg"]
    assert values["logrank.all.os.chi_square"] == pytest.approx(reference["logrank_pvt"]["chisq"], rel=1e-8)
    assert values["logrank.all.os.p"] == pytest.approx(reference["logrank_pvt"]["p"], rel=1e-8)
    assert (values["table1.all.no_pvt.patients.n"], values["table1.all.pvt.patients.n"]) == (89, 16)
    medians = {row["_row"]: row["median"] for row in reference["os_by_pvt"]["table"]}
    for arm, stratum in (("no_pvt", "0"), ("pvt", "1")):
        expected = next(median for name, median in medians.items() if name.endswith(stratum))
        assert values[f"kaplan_meier.all.os.{arm}.median.estimate"] == pytest.approx(expected, rel=1e-8)
    assert (tmp_path / "analysis" / "manuscript.docx").exists()
