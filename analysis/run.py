"""A study from start to finish: frames and specification in, results, figures and report out."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

from analysis.figures.style import save_figures
from analysis.report.manuscript import write_manuscript
from analysis.report.page import write_report
from analysis.steps.alternatives import add_alternatives
from analysis.steps.baseline import add_baseline
from analysis.steps.courses import add_courses
from analysis.steps.covariates import find_knots
from analysis.steps.evidence import add_evidence, add_response_alternatives
from analysis.steps.flow import add_flow
from analysis.steps.match import add_matching
from analysis.steps.outcomes import add_adverse_events, add_duration, add_response
from analysis.steps.pairs import add_pairs
from analysis.steps.peers import check_against_peers
from analysis.steps.post_baseline import add_post_baseline
from analysis.steps.regression import add_regression, add_subgroup
from analysis.steps.sensitivity import add_sensitivity
from analysis.steps.study import Study
from analysis.steps.sums import check_sums
from analysis.steps.survival import add_follow_up, add_survival
from analysis.steps.therapy import add_therapy
from analysis.steps.time_varying import add_time_varying
from analysis.steps.weight import add_weighting
from analysis.study.at_start import AT_START
from analysis.study.cohort import select_cohort
from analysis.study.cohort_names import ALL
from analysis.study.disclosure import protect
from analysis.study.filled import check_filled
from analysis.study.outcome import StudyOutcome
from analysis.study.published import read_published
from analysis.study.results import ResultsBuilder, mark_origin
from analysis.study.spec import StudySpec
from etl.errors import AnalysisError
from etl.installation import read_version
from etl.whole_files import hash_file, name_scratch, swap_folder

PACKAGES = ("polars", "numpy", "scipy", "lifelines", "scikit-learn", "survival", "matplotlib", "jinja2")

PERMITTED_BY = ("kind", "number", "permitted_on", "ends_on")
"""What a manifest says of a hospital's permission."""


INDIVIDUAL = ("courses", "swimmer", "waterfall")
"""The files, without their endings, that show single patients."""


def compute_study(frames: Mapping[str, pl.DataFrame], spec: StudySpec) -> StudyOutcome:
    """Compute every analysis that the specification asks for. Nothing is written.

    `frames` are `analysis_subject`, for adverse events `analysis_adverse_event`, and `subject_at_start` (`derive_study_at_start`): without it
    the results say that nobody was examined for what happened after the start.

    Raises `AnalysisError` where the study cannot be computed: nobody eligible, one arm, no event, separation; and
    `InternalError` where sums do not hold or a peer's code gives other curves, tests or scores.
    """
    cohort = select_cohort(frames["analysis_subject"], spec)
    _check_arms_held(cohort.frame, spec)
    knots = find_knots(spec, cohort.frame)
    asked, spec = spec, spec.of_all_arms()
    study = Study(spec, {ALL: cohort.frame}, ResultsBuilder(spec.study), knots=knots)
    add_flow(study, cohort)
    if spec.matching:
        add_matching(study, spec.matching)
    if spec.weighting:
        add_weighting(study)
    add_baseline(study)
    add_therapy(study)
    add_survival(study)
    _add_comparisons(study)
    if asked.has_pairs:
        add_pairs(study, asked)
    add_response(study)
    add_evidence(study)
    add_response_alternatives(study)
    if spec.courses:
        add_courses(study, spec.courses)
    if spec.grade_bands:
        add_adverse_events(study, frames["analysis_adverse_event"])
    if spec.follow_up:
        add_follow_up(study, spec.follow_up)
        if spec.follow_up.duration_column:
            add_duration(study, spec.follow_up.duration_column)
    add_sensitivity(study, frames["analysis_subject"])
    add_post_baseline(study, frames["analysis_subject"], frames.get(AT_START))
    curves = pl.concat(study.curves, how="vertical_relaxed")
    outcome = StudyOutcome(study.results.build(read_published(spec)), curves, study.courses)
    check_sums(outcome.results, spec)
    check_against_peers(study, outcome)
    return outcome


def _check_arms_held(frame: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse a study of which criteria and filters have left an arm without patients."""
    if absent := [arm for arm in spec.arms if not (frame["arm"] == arm.id).any()]:
        named = ", ".join(f"{arm.label} (arms.{arm.id})" for arm in absent)
        raise AnalysisError(
            f"nobody analysed is in the arm {named}: criteria and filters leave {frame.height} patients, all in other arms. Change the filter, or the arm.",
            f"{named} 组没有可分析的患者：标准与筛选后剩余 {frame.height} 名患者，均属于其他组。请修改筛选条件或分组。",
        )


def _add_comparisons(study: Study) -> None:
    """Add the further models of the survival of the arms."""
    if study.spec.has_contrast:
        add_alternatives(study)
    if study.spec.regression:
        add_regression(study, study.spec.regression)
    for subgroup in study.spec.subgroups:
        add_subgroup(study, subgroup)
    for item in study.spec.time_varying:
        add_time_varying(study, item)


def run_study(
    frames: Mapping[str, pl.DataFrame],
    spec: StudySpec,
    out_dir: Path,
    manifest_inputs: Mapping[str, Any],
    *,
    for_journal: bool = False,
    with_individuals: bool = False,
) -> None:
    """Compute a study and write it into `out_dir`, replacing what was there: all of it, or nothing.

    Written are `results.parquet`, `results.csv`, `curves.parquet`, `courses.parquet`, `manifest.json`, `figures/`, `index.html`,
    `manuscript.docx`, `supplement.docx` and `manuscript_numbers.csv`.
    `frames` are the marts `analysis_subject`, `analysis_adverse_event` and `unfilled_column`, `ingests`, and `subject_at_start`.
    `manifest_inputs` is written into the manifest as it is (input hashes, ingest ids, head of the trail). `for_journal` asks for the figures as
    PDF and TIFF too. Where the study has a threshold (`disclosure`), what shows single patients (`INDIVIDUAL`) is written only
    `with_individuals`, in whole months.

    Raises `AnalysisError` as `compute_study` does, and where a hospital was loaded before a column that is read was made.
    """
    check_filled(frames["unfilled_column"], spec)
    outcome = protect(compute_study(frames, spec), spec, with_individuals=with_individuals)
    synthetic = is_synthetic(frames["ingests"], spec)
    manifest = make_manifest(spec, manifest_inputs, list_hospitals(frames, spec), is_synthetic=synthetic)
    scratch = name_scratch(out_dir)
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        outcome.results.save(scratch, is_synthetic=synthetic)
        points_of = {"curves": outcome.curves, "courses": outcome.courses}
        for name, points in points_of.items():
            if spec.fewest_patients is not None and points.is_empty():
                continue
            marked = mark_origin(points, is_synthetic=synthetic)
            marked.write_parquet(scratch / f"{name}.parquet", statistics=False)
        shown = spec.of_all_arms()
        drawings = save_figures(outcome, shown, scratch / "figures", is_synthetic=synthetic, for_journal=for_journal)
        write_report(scratch, outcome.results, drawings, shown, manifest)
        write_manuscript(scratch, outcome.results, drawings, shown, manifest)
        _write_manifest(scratch, manifest)
        swap_folder(scratch, out_dir)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write what the results were made from, with the hash of every file that lies beside it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if manifest["specification"]["disclosure"] != "none":
        single = [path.relative_to(folder).as_posix() for path in files if path.stem in INDIVIDUAL]
        manifest = {**manifest, "individual_data": single}
    told = {**manifest, "files": {path.relative_to(folder).as_posix(): hash_file(path) for path in files}}
    text = json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def is_synthetic(ingests: pl.DataFrame, spec: StudySpec) -> bool:
    """Whether any of the study's hospitals sent invented patients."""
    return bool(_choose_ingests(ingests, spec)["is_synthetic"].any())


def list_hospitals(frames: Mapping[str, pl.DataFrame], spec: StudySpec) -> list[dict[str, Any]]:
    """The study's hospitals by name, each with the day of its extract and what is on record of its permission.

    A version of before names were kept has the id for a name; a set that was frozen before permissions were kept has none of them.
    """
    used = _choose_ingests(frames["ingests"], spec).sort("hospital")
    names = [pl.coalesce(column, "hospital") for column in ("name_en", "name_zh")]
    hospitals = used.select("hospital", *names, pl.col("extract_day").cast(pl.String)).to_dicts()
    permitted = frames["permission"].cast({"permitted_on": pl.String}).to_dicts() if "permission" in frames else []
    told = {row["hospital"]: {key: row[key] for key in PERMITTED_BY} for row in permitted}
    return [{**item, "permission": told.get(item["hospital"])} for item in hospitals]


def _choose_ingests(ingests: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """The versions that the study reads."""
    used = ingests.filter("is_current")
    if not spec.population.hospitals:
        return used
    return used.filter(pl.col("hospital").is_in(spec.population.hospitals))


def make_manifest(
    spec: StudySpec, inputs: Mapping[str, Any], hospitals: list[dict[str, Any]], *, is_synthetic: bool
) -> dict[str, Any]:
    """What the results were made from: inputs, hospitals, specification, versions. Nothing in the analysis is drawn at random."""
    specification = asdict(spec)
    del specification["folder"]
    return {
        "study": spec.study,
        "is_synthetic": is_synthetic,
        "inputs": dict(inputs),
        "hospitals": hospitals,
        "specification": specification,
        "registry": read_version(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "seed": None,
    }
