import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from analysis.report.narrative import write_narrative
from analysis.report.page import SECTIONS
from analysis.run import compute_study, run_study
from analysis.study.cohort import select_cohort
from analysis.study.numbers import format_number
from analysis.study.published import list_without_result, read_published
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from analysis.study.spec import Endpoint, Population, StudySpec
from analysis.tables import comparison
from analysis.tables.model import build_tables, name_hospitals
from etl.errors import AnalysisError, InternalError

SPEC = read_study("len_vs_sora")
NUMBER = re.compile(r'<span data-result="([^"]+)" data-kind="([^"]+)"[^>]*>([^<]*)</span>')


@pytest.fixture(scope="module")
def report(tmp_path_factory, frames) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "analysis"
    run_study(frames, SPEC, folder, {"ingests": [1, 2, 3]})
    return folder


@pytest.fixture(scope="module")
def results(report) -> Results:
    return Results(pl.read_parquet(report / "results.parquet"))


def rename_patients(subjects: pl.DataFrame) -> pl.DataFrame:
    """The same patients under other pseudonyms, sheets sorted differently."""
    renamed = subjects.with_columns(
        pl.col("patient_id").map_elements(lambda name: f"k{9999 - int(name[1:])}", pl.String)
    )
    return renamed.sample(fraction=1, shuffle=True, seed=5)


FILE_LINK = re.compile(r'href="(figures/[^"]+)"')


def test_a_figure_is_linked_in_the_formats_that_were_made(report, frames, tmp_path):
    """Both ways: every file has its link, and every link its file."""
    run_study(frames, SPEC, tmp_path / "journal", {}, for_journal=True)
    suffixes = []
    for folder in (report, tmp_path / "journal"):
        linked = FILE_LINK.findall((folder / "index.html").read_text(encoding="utf-8"))
        assert sorted(linked) == sorted(f"figures/{path.name}" for path in (folder / "figures").iterdir())
        suffixes.append({Path(link).suffix for link in linked})
        text = (folder / "index.html").read_text(encoding="utf-8")
        assert ("make analyse JOURNAL=yes" in text) == (".pdf" not in suffixes[-1])
    assert suffixes == [{".svg", ".png"}, {".svg", ".png", ".tiff", ".pdf"}]
    for path in (report / "figures").iterdir():  # a wish for more changes nothing of what is there without it
        assert (tmp_path / "journal" / "figures" / path.name).read_bytes() == path.read_bytes(), path.name


def test_every_analysis_has_its_results(results):
    expected = [
        "flow.analysed.n", "flow.nanfang.e4_complete_data.n_removed", "table1.all.sora.alt.le40.n", "table1.matched.alt.p",
        "balance.matched.pvtt.i_ii.smd", "propensity.all.intercept.coefficient", "propensity.all.alt.gt40.coefficient",
        "matching.matched.pairs.n", "matching.all.caliper.width", "matching.all.len.unmatched.n",
        "kaplan_meier.all.os.sora.median.estimate", "kaplan_meier.matched.pfs.len.median_spss.se",
        "kaplan_meier.all.os.len.survival.24m.ci_low", "kaplan_meier.matched.os.len.at_risk.12m.n", "logrank.all.pfs.p",
        "cox_treatment.matched.os.arm.len.hr", "cox_univariable.matched.pfs.albi.grade_3.ci_high",
        "cox_univariable.matched.os.albi.p", "cox_multivariable.matched.os.arm.sora.hr",
        "response.matched.sora.response.pr.3m.n", "response.matched.orr.6m.difference", "response.all.dcr.3m.p",
        "kaplan_meier.matched.os.tace_no.len.median.estimate", "logrank.matched.os.tace_yes_vs_no.sora.p",
        "interaction.matched.os.arm_x_tace.p", "adverse_events.all.len.any_event.g3_4.n",
        "treatment.all.sora.duration.mean", "follow_up.all.os.median.estimate",
    ]  # fmt: skip
    assert [name for name in expected if name not in results] == []
    assert results.frame["result_id"].is_unique().all()


def test_everything_printed_has_its_result_unless_the_model_left_it_out(results):
    absent = {name.split(".")[0] for name in read_published(SPEC) if name not in results}
    assert absent <= {"cox_multivariable_naive"}


def test_table1_counts_the_input(results, subjects):
    chosen = subjects.filter(~pl.col("seen_elsewhere_first")).filter(
        pl.all_horizontal(
            pl.col("^[iex][0-9]_.*$").fill_null(value=False), "arm_is_compared", "start_in_enrolment_window"
        )
    )
    for arm in SPEC.arms:
        patients = chosen.filter(pl.col("arm") == arm.code)
        for item in SPEC.characteristics:
            counted = results.select(analysis="table1", cohort="all", arm=arm.id, variable=item.id, statistic="n")
            assert counted["level"].to_list() == list(item.list_levels())
            assert counted["value"].to_list() == [(patients[item.column] == level).sum() for level in item.levels]


def test_matched_arms_are_equally_large(results):
    pairs = results.named("matching.matched.pairs.n")["value"]
    for arm in SPEC.arms:
        assert results.named(f"table1.matched.{arm.id}.patients.n")["value"] == pairs
        unmatched = results.named(f"matching.all.{arm.id}.unmatched.n")["value"]
        assert unmatched == results.named(f"flow.{arm.id}.analysed.n")["value"] - pairs


def test_every_number_of_the_report_is_its_result(report, results):
    page = (report / "index.html").read_text(encoding="utf-8")
    numbers = NUMBER.findall(page)
    assert len(numbers) > 500
    for result_id, kind, printed in numbers:
        assert unescape(printed) == format_number(results.named(result_id)["value"], kind), result_id
    outside = re.sub(r"<svg.*?</svg>|<style.*?</style>|<script.*?</script>", "", NUMBER.sub("", page), flags=re.DOTALL)
    cells = re.findall(r'<td class="num">(.*?)</td>', outside)
    assert cells
    published = set(read_published(SPEC).values()) | {word for row in list_without_result(SPEC) for word in row[1:]}
    compared = results.frame.filter(pl.col("reference").is_not_null()).select("value", "reference").iter_rows()
    differences = {comparison.print_difference(value, printed) for value, printed in compared}
    assert [cell for cell in cells if re.search(r"\d", cell) and unescape(cell) not in published | differences] == []


def test_a_patient_whose_progression_has_no_day_is_left_out_of_that_endpoint_only(frames, results):
    subjects = frames["analysis_subject"]
    first = results.select(analysis="flow", variable="analysed")["value"].to_list()[0]
    chosen = select_cohort(subjects, SPEC).frame["patient_id"].to_list()
    undated = pl.col("patient_id").is_in([chosen[0]])
    at_start = pl.col("patient_id").is_in([chosen[1]])  # 0 days are a time, as in R
    changed = subjects.with_columns(
        pfs_days=pl.when(undated).then(None).when(at_start).then(0.0).otherwise("pfs_days"),
        pfs_event=pl.when(~undated).then("pfs_event"),
    )
    outcome = compute_study(frames | {"analysis_subject": changed}, SPEC).results
    assert outcome.named("flow.analysed.n")["value"] == first
    for endpoint, missing in (("os", 0), ("pfs", 1)):
        counted = [outcome.named(f"kaplan_meier.all.{endpoint}.{arm.id}.patients.n")["value"] or 0 for arm in SPEC.arms]
        assert sum(counted) == first - missing
        assert outcome.named(f"cox_treatment.all.{endpoint}.arm.len.hr")["n"] == first - missing


def test_report_is_one_file_and_says_that_its_patients_are_synthetic(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "Synthetic patients" in page
    assert not re.search(r'(src|href)="https?://', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert not re.search(r"p\d{4}\b", page)


def test_same_patients_in_another_order_and_under_other_names_give_the_same_bytes(report, frames, tmp_path):
    names = frames["analysis_adverse_event"].with_columns(
        pl.col("patient_id").map_elements(lambda name: f"k{9999 - int(name[1:])}", pl.String)
    )
    again = tmp_path / "analysis"
    other = frames | {
        "analysis_subject": rename_patients(frames["analysis_subject"]),
        "analysis_adverse_event": names.sample(fraction=1, shuffle=True, seed=2),
    }
    run_study(other, SPEC, again, {"ingests": [7, 8, 9]})
    files = ["results.csv", "results.parquet", "curves.parquet", "index.html"]
    files += [f"figures/{path.name}" for path in sorted((report / "figures").iterdir())]
    assert [name for name in files if (report / name).read_bytes() != (again / name).read_bytes()] == []


def test_manifest_says_what_went_in(report):
    manifest = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"] == {"ingests": [1, 2, 3]}
    assert manifest["specification"]["matching"]["caliper_sd"] == 0.2
    assert manifest["is_synthetic"] is True
    assert "polars" in manifest["packages"]


def test_a_failing_study_leaves_the_last_report_alone(frames, tmp_path):
    folder = tmp_path / "analysis"
    folder.mkdir()
    (folder / "index.html").write_text("the last one")
    nobody = frames["analysis_subject"].with_columns(pl.lit(value=False).alias("x1_treated_3_months"))
    with pytest.raises(AnalysisError, match="x1_treated_3_months"):
        run_study(frames | {"analysis_subject": nobody}, SPEC, folder, {})
    assert [path.name for path in tmp_path.rglob("*")] == ["analysis", "index.html"]


def test_a_table_in_a_section_that_the_report_lacks_is_not_left_out_without_a_word(frames, tmp_path, monkeypatch):
    monkeypatch.delitem(SECTIONS, "response")
    with pytest.raises(InternalError, match=r"no section response, .* would not be shown"):
        run_study(frames, SPEC, tmp_path / "analysis", {})


def test_one_arm_only_is_told(frames):
    subjects = frames["analysis_subject"].filter(pl.col("arm") == "len_pd1")
    with pytest.raises(AnalysisError, match=r"Sora\+PD-1"):
        compute_study(frames | {"analysis_subject": subjects}, SPEC)


def test_a_study_of_one_hospital_without_arms(frames, tmp_path):
    endpoint = Endpoint("OS", "Overall survival", "os_days", "os_event", (26.0, 52.0))
    population = Population(("hunan",), eligible_only=False)
    spec = StudySpec("small", tmp_path, "Survival in one hospital", 0.05, (endpoint,), "week", population=population)
    run_study(frames, spec, tmp_path / "analysis-small", {})
    results = Results(pl.read_parquet(tmp_path / "analysis-small" / "results.parquet"))
    hunan = frames["analysis_subject"].filter(pl.col("hospital") == "hunan")
    assert results.named("flow.analysed.n")["value"] == hunan.height
    assert results.named("kaplan_meier.all.os.events.n")["value"] == hunan["os_event"].sum()
    assert results.named("kaplan_meier.all.os.survival.26w.estimate")["time_months"] == pytest.approx(26 * 7 / 30.4375)
    assert {path.stem for path in (tmp_path / "analysis-small" / "figures").iterdir()} == {"kaplan_meier"}


def test_a_characteristic_that_never_varies_is_reported_not_fatal(frames):
    subjects = frames["analysis_subject"].with_columns(pl.lit("No").alias("cirrhosis_level"))
    results = compute_study(frames | {"analysis_subject": subjects}, replace(SPEC, study="flat")).results
    assert results.named("table1.all.cirrhosis.p")["value"] is None
    assert results.named("cox_univariable.matched.os.cirrhosis.p")["value"] is None


def test_a_hazard_ratio_that_runs_to_infinity_is_not_estimable_wherever_it_is_printed(frames, tmp_path):
    """Nobody of the treated arm dies: R warns that the coefficient may be infinite, and prints where it stopped."""
    nobody = pl.when(pl.col("arm") == "len_pd1").then(pl.lit(value=False)).otherwise("os_event").alias("os_event")
    subjects = frames["analysis_subject"].with_columns(nobody)
    run_study(frames | {"analysis_subject": subjects}, SPEC, tmp_path / "analysis", {"ingests": []})
    table = pl.read_parquet(tmp_path / "analysis" / "results.parquet")
    of_arm = table.filter(
        pl.col("statistic").is_in(["hr", "ci_low", "ci_high"]) & (pl.col("unit").is_null()),
        pl.col("endpoint") == "OS",
        (pl.col("variable") == "arm") | pl.col("analysis").is_in(["sensitivity", "cox_alternative"]),
    )
    assert of_arm["analysis"].n_unique() == 7
    assert of_arm["value"].null_count() == of_arm.height
    assert of_arm["method"].str.starts_with("not estimable").all()
    ratios = table.filter(pl.col("statistic") == "hr")["value"].drop_nulls()
    assert ratios.is_between(1e-4, 1e4).all()
    page = (tmp_path / "analysis" / "index.html").read_text(encoding="utf-8")
    printed = {result_id: shown for result_id, _, shown in NUMBER.findall(page)}
    assert printed["cox_treatment.all.os.arm.len.hr"] == "NE"
    assert printed["cox_treatment.all.pfs.arm.len.hr"] != "NE"


def test_ids_with_signs_are_found_again_wherever_they_are_printed(frames, tmp_path):
    arms = tuple(replace(arm, id=arm.label) for arm in SPEC.arms)
    regression = replace(SPEC.regression, reference_arm=SPEC.get_arm("len").label)
    spec = replace(SPEC, folder=tmp_path, arms=arms, regression=regression, published_claims={})
    run_study(frames, spec, tmp_path / "analysis", {"ingests": []})
    results = Results(pl.read_parquet(tmp_path / "analysis" / "results.parquet"))
    assert results.named("table1.matched.len_pd_1.patients.n")["arm"] == "Len+PD-1"
    printed = {name for name, _, _ in NUMBER.findall((tmp_path / "analysis" / "index.html").read_text("utf-8"))}
    of_arms = {name for name in printed if results.named(name)["arm"]}
    assert {name.split(".")[0] for name in of_arms} >= {"table1", "kaplan_meier", "response", "treatment", "matching"}


def test_an_arm_that_is_called_like_a_hospital_keeps_its_name(results):
    """Columns of hospitals have their names; a label of the study is nobody's id."""
    arms = (replace(SPEC.arms[0], label="hunan"), SPEC.arms[1])
    tables = build_tables(results, replace(SPEC, arms=arms))
    named = name_hospitals(tables, [{"hospital": "hunan", "name_en": "Hunan Provincial People's Hospital"}])
    headers = {table.name: table.header for table in named}
    assert headers["flow_by_arm"][1] == "hunan"
    assert headers["flow"][1] == "Hunan Provincial People's Hospital"
    of_arms, of_hospitals = headers["evidence"][1], headers["evidence"][4]
    assert (of_arms, of_hospitals) == ("hunan, n (%)", "Hunan Provincial People's Hospital, n (%)")


def test_who_was_not_compared_between_hospitals_is_counted_and_told(frames, tmp_path):
    """Nothing is said of a study of one hospital, in which nobody needs to be compared."""
    endpoint = Endpoint("OS", "Overall survival", "os_days", "os_event", (26.0, 52.0))
    spec = StudySpec("small", tmp_path, "Survival", 0.05, (endpoint,), "week", population=Population())
    subjects = frames["analysis_subject"]
    chosen = select_cohort(subjects, spec).frame["patient_id"].sort()[:7]
    unknown = subjects.with_columns(person_id=pl.when(~pl.col("patient_id").is_in(chosen.implode())).then("patient_id"))
    run_study(frames | {"analysis_subject": unknown}, spec, tmp_path / "analysis", {"ingests": [1, 2, 3]})
    results = Results(pl.read_parquet(tmp_path / "analysis" / "results.parquet"))
    assert results.named("flow.not_compared.n")["value"] == 7
    of_hospitals = results.select(analysis="flow", variable="not_compared").filter(pl.col("hospital").is_not_null())
    assert of_hospitals["value"].sum() == 7
    page = unescape(re.sub(r"<[^>]+>", "", (tmp_path / "analysis" / "index.html").read_text(encoding="utf-8")))
    assert "Of those analysed 7 were not compared between hospitals" in page
    assert "were not compared between hospitals and may be among them twice" in repr(write_narrative(results, spec)[0])
    assert "of them not compared between hospitals" in page
    one = unknown.filter(hospital=unknown["hospital"][0])
    assert "flow.not_compared.n" not in compute_study(frames | {"analysis_subject": one}, spec).results
