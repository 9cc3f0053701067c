"""The constants of the example: read as written, and true about who is matched."""

from pathlib import Path

import polars as pl
from calibration.search import LARGEST_FURTHER_DIFFERENCE, find_largest_difference, match
from calibration.targets import Target, list_targets
from calibration.trial import Bench, estimate_curve, read_median, read_rate

from analysis.study.read_spec import read_study
from etl.example.calibration import CALIBRATION_PATH, SURVIVAL_MONTHS, read_calibration, write_calibration
from etl.example.margins import ARM_SIZES, MATCHED_ON


def test_constants_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_calibration(read_calibration(), tmp_path / "calibration.toml")
    assert (tmp_path / "calibration.toml").read_bytes() == CALIBRATION_PATH.read_bytes()


def test_every_curve_has_a_positive_hazard_all_along() -> None:
    for hazard in read_calibration().survival.values():
        assert len(hazard) == len(SURVIVAL_MONTHS) - 1
        assert all(later > earlier for earlier, later in zip((0, *hazard), hazard, strict=False))


def test_who_is_noted_as_matched_is_matched_and_balanced() -> None:
    calibration = read_calibration()
    patients = Bench(calibration).patients
    baseline = pl.DataFrame([p.levels for p in patients]).with_columns(
        pl.Series("start", [p.start for p in patients]), pl.Series("arm", [p.arm for p in patients])
    )
    is_matched = match(baseline)
    assert is_matched.tolist() == [mark for arm in ARM_SIZES for mark in calibration.is_matched[arm]]
    further = [name for name in baseline.columns if name not in (*MATCHED_ON, "start", "arm")]
    assert len(MATCHED_ON) == 12
    assert len(further) == 5
    assert find_largest_difference(baseline, is_matched, [*MATCHED_ON, *further]) < LARGEST_FURTHER_DIFFERENCE


def test_targets_are_the_printed_numbers() -> None:
    targets = {target.result_id: target for target in list_targets(read_study("len_vs_sora"))}
    # survival.csv prints 12.3.0, a slip for 12.3
    slip = "kaplan_meier.matched.os.sora.median.estimate"
    assert targets[slip] == Target(slip, 12.3, 0.4)
    assert targets["cox_alternative.matched.pfs.pairs_ignored.len.hr"].tolerance == 0.08
    assert targets["cox_treatment.all.pfs.arm.len.hr"].tolerance == 0.05
    assert not any("median_spss" in name or name.startswith("follow_up") for name in targets)


def test_a_trial_estimates_curves_by_hand() -> None:
    # 4 patients: deaths at 2, 5 and 8, one censored at 5: S = 3/4, then 3/4 x 2/3 = 1/2, level until 8, then 0
    times = pl.Series([2.0, 5.0, 5.0, 8.0]).to_numpy()
    events = pl.Series([True, True, False, True]).to_numpy()
    curve = estimate_curve(times, events)
    assert read_median(*curve) == (5 + 8) / 2
    assert [read_rate(*curve, month) for month in (1, 2, 5, 7.9, 8)] == [1.0, 0.75, 0.5, 0.5, 0.0]
