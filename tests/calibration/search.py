"""Search the constants of the synthetic example: `python -m calibration.search` writes `calibration.toml` anew.

The example's patients are invented; what was published are margins, medians, rates and hazard ratios. The search looks for
seeds and curves under which an analysis of the invented patients comes near to all of them at once. It takes about ten
minutes, gives the same constants every time, and is no part of `make study`, which only reads them.

1. Characteristics and start dates settle who is matched: the first seed that gives the published number of pairs,
   balanced, with the published TACE counts; then a seed of the characteristics that the propensity score leaves out.
2. Chance of who gets which course: the seed under which the regression models come nearest.
3. Survival curves and numbers of progressions: small random changes, kept where the loss falls.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from calibration.targets import Target, list_targets
from calibration.trial import PRINTED_MODELS, Bench, Trial
from numpy.typing import NDArray

from analysis.estimators.balance import compute_balance
from analysis.estimators.matching import match_nearest
from analysis.estimators.propensity import fit_propensity
from analysis.study.cohort_names import MATCHED
from analysis.study.published import read_published
from analysis.study.read_spec import read_study
from analysis.study.spec import StudySpec
from etl.example.calibration import CALIBRATION_PATH, SURVIVAL_MONTHS, Calibration, write_calibration
from etl.example.cohort import draw_baseline
from etl.example.margins import ARM_SIZES, MATCHED_ON

PAIRS = 82
MATCHED_WITHOUT_TACE = {"sora_pd1": 23, "len_pd1": 22}
LARGEST_DIFFERENCE = 0.06  # standardised, of the characteristics in the propensity score
LARGEST_FURTHER_DIFFERENCE = 0.1  # of the others, on which nobody is matched: the limit the study prints
START_SURVIVAL = {  # arm, matched, TACE: months and the share alive, read off the published medians and rates
    ("sora_pd1", True, "Yes"): ((6, 0.94), (9, 0.85), (12, 0.69), (14.1, 0.5), (18, 0.18), (24, 0.04), (48, 0.001)),
    ("sora_pd1", True, "No"): ((6, 0.77), (8.3, 0.5), (12, 0.12), (18, 0.03), (24, 0.01), (48, 0.001)),
    ("sora_pd1", False, "Yes"): ((6, 0.99), (9, 0.92), (12, 0.81), (14.5, 0.5), (18, 0.18), (24, 0.09), (48, 0.001)),
    ("sora_pd1", False, "No"): ((6, 0.97), (9, 0.7), (12, 0.4), (14, 0.1), (24, 0.02), (48, 0.001)),
    ("len_pd1", True, "Yes"): ((6, 0.99), (9, 0.88), (12, 0.71), (15.7, 0.5), (18, 0.42), (24, 0.33), (48, 0.1)),
    ("len_pd1", True, "No"): ((6, 0.87), (8.9, 0.5), (12, 0.22), (18, 0.08), (24, 0.02), (48, 0.001)),
    ("len_pd1", False, "Yes"): ((6, 0.9), (9, 0.87), (12, 0.83), (15, 0.5), (18, 0.3), (24, 0.17), (48, 0.05)),
    ("len_pd1", False, "No"): ((6, 0.77), (9, 0.72), (12, 0.66), (14, 0.3), (18, 0.1), (24, 0.02), (48, 0.001)),
}
START_PROGRESSIONS = {  # share of the arm whose progression shows at assessment 1, 2, ...
    "sora_pd1": (0.185, 0.205, 0.29, 0.18, 0.06, 0.04, 0.025, 0.01),
    "len_pd1": (0.085, 0.215, 0.11, 0.26, 0.085, 0.065, 0.045, 0.035, 0.03, 0.02, 0.02, 0.02),
}
RESPONDERS = {("sora_pd1", True): 6, ("sora_pd1", False): 3, ("len_pd1", True): 17, ("len_pd1", False): 4}
COURSE_SEEDS, ROUNDS = 150, 3500
DEATHS = (163, 177)
TEMPERATURES = (0.4, 0.0)
LARGEST_MISS = 5.0  # tolerances; what cannot be estimated counts as so far away
ROUGHNESS_WEIGHT, LOW_HAZARD = 0.015, 0.01  # the hazard per month below which differences hardly count


def find_matching_seed() -> tuple[int, dict[str, tuple[bool, ...]]]:
    """Return the first seed whose patients are matched as published, and who of them is matched, by arm."""
    for seed in itertools.count():
        baseline = _draw_baseline_frame(seed, 0)
        is_matched = match(baseline)
        if is_matched.sum() != 2 * PAIRS:
            continue
        matched = baseline.filter(is_matched)
        without = [
            matched.filter(pl.col("arm") == arm, TACE="No").height - n for arm, n in MATCHED_WITHOUT_TACE.items()
        ]
        difference = find_largest_difference(baseline, is_matched, MATCHED_ON)
        if max(map(abs, without)) <= 1 and difference < LARGEST_DIFFERENCE:
            return seed, {arm: tuple(is_matched[baseline["arm"].to_numpy() == arm].tolist()) for arm in ARM_SIZES}
    raise AssertionError


def find_further_seed(matching_seed: int, is_matched: NDArray[np.bool_]) -> int:
    """Return the first seed under which the characteristics outside the propensity score are balanced as well."""
    for seed in itertools.count():
        baseline = _draw_baseline_frame(matching_seed, seed)
        further = [name for name in baseline.columns if name not in (*MATCHED_ON, "arm", "start")]
        if find_largest_difference(baseline, is_matched, further) < LARGEST_FURTHER_DIFFERENCE:
            return seed
    raise AssertionError


def _draw_baseline_frame(matching_seed: int, further_seed: int) -> pl.DataFrame:
    frames = []
    for arm in ARM_SIZES:
        levels, starts = draw_baseline(matching_seed, further_seed, arm)
        frames.append(pl.DataFrame(levels).with_columns(pl.Series("start", starts), arm=pl.lit(arm)))
    return pl.concat(frames)


def match(baseline: pl.DataFrame) -> NDArray[np.bool_]:
    """Return who is matched by the study's rule, in the order of the frame; ties go by start date, as in the analysis."""
    order = baseline.with_row_index().sort("start", maintain_order=True)["index"].to_numpy()
    ordered = baseline[order]
    treated = (ordered["arm"] == "len_pd1").to_numpy()
    logit = fit_propensity(ordered, treated, MATCHED_ON).logit
    pairs = match_nearest(logit, treated, caliper_sd=0.2).pairs
    is_matched = np.zeros(baseline.height, dtype=bool)
    is_matched[order[pairs["treated_row"].to_numpy()]] = True
    is_matched[order[pairs["control_row"].to_numpy()]] = True
    return is_matched


def find_largest_difference(baseline: pl.DataFrame, is_matched: NDArray[np.bool_], names: Sequence[str]) -> float:
    """Return the largest absolute standardised mean difference of any level after matching."""
    balance = compute_balance(baseline, (baseline["arm"] == "len_pd1").to_numpy(), names, matched=is_matched)
    after = balance.filter(sample=MATCHED)["standardised_mean_difference"]
    return float(after.abs().max())  # type: ignore[arg-type]


def make_start(matching_seed: int, further_seed: int, is_matched: dict[str, tuple[bool, ...]]) -> Calibration:
    """Return the constants that the search starts from."""
    survival = {}
    for key, points in START_SURVIVAL.items():
        months, alive = np.array(((SURVIVAL_MONTHS[0], 1), *points)).T
        survival[key] = tuple(np.interp(SURVIVAL_MONTHS[1:], months, -np.log(alive)).tolist())
    progressions = {}
    for arm, marks in is_matched.items():
        for part in (True, False):
            reached = np.round(np.cumsum((0, *START_PROGRESSIONS[arm])) * marks.count(part))
            progressions[arm, part] = tuple(np.diff(reached).astype(int).tolist())
    return Calibration(matching_seed, further_seed, 0, is_matched, survival, progressions, RESPONDERS)


def change_survival(rng: np.random.Generator, calibration: Calibration) -> Calibration:
    """Raise or lower the hazard of one stratum in one interval; later intervals move along, or the next makes up for it."""
    keys = list(calibration.survival)
    key = keys[rng.integers(len(keys))]
    steps = np.diff(calibration.survival[key], prepend=0)
    position = int(rng.integers(len(steps)))
    change = steps[position] * (np.exp(rng.normal(0, 0.4)) - 1)
    steps[position] += change
    if position + 1 < len(steps) and rng.random() < 0.5:
        steps[position + 1] -= change
    hazard = tuple(np.round(np.cumsum(np.maximum(steps, 0.001)), 4).tolist())
    return replace(calibration, survival=calibration.survival | {key: hazard})


def change_progressions(rng: np.random.Generator, calibration: Calibration) -> Calibration:
    """Let one patient's progression show at another assessment, or not at all."""
    keys = list(calibration.progressions)
    key = keys[rng.integers(len(keys))]
    numbers = list(calibration.progressions[key])
    for place, step in zip(rng.integers(len(numbers) + 1, size=2), (-1, 1), strict=True):
        if place < len(numbers):
            numbers[place] += step
    size = calibration.is_matched[key[0]].count(key[1])
    if min(numbers) < 0 or sum(numbers) > size:
        return calibration
    return replace(calibration, progressions=calibration.progressions | {key: tuple(numbers)})


@dataclass(frozen=True)
class Judge:
    """Says how far a trial is from the published figures."""

    spec: StudySpec
    targets: list[Target]
    printed: dict[str, str]

    def compute_loss(self, trial: Trial) -> float:
        """Return the loss: what has a tolerance counts most, as squares in units of it, steeper beyond its half.

        The p between the arms by TACE and the ratios of the multivariable models are wished for, no more.
        """
        values = trial.estimate_survival() | trial.count_responses()
        misses = np.array([abs(values[t.result_id] - t.value) / t.tolerance for t in self.targets])
        misses = np.minimum(misses, LARGEST_MISS)
        loss = float((misses**2).sum() + 30 * (np.maximum(misses - 0.5, 0) ** 2).sum())
        for name, p in trial.test_tace_levels().items():
            loss += 0.5 * np.log10(p / float(self.printed[name])) ** 2
        for name, ratio in trial.fit_printed_models(self.spec).items():
            loss += 2 * np.log(ratio / float(self.printed[name])) ** 2
        too_many, too_few = max(trial.n_deaths - DEATHS[1], 0), max(DEATHS[0] - trial.n_deaths, 0)
        return float(loss + 0.1 * (too_many + too_few) ** 2)

    def count_wrongly_entering(self, trial: Trial) -> int:
        """Return in how many characteristics the multivariable models differ from the printed ones (takes longer)."""
        return sum(len(trial.list_entering(self.spec, name) ^ set(model)) for name, model in PRINTED_MODELS.items())


def compute_roughness(calibration: Calibration) -> float:
    """Return how much the hazards jump from one interval to the next: squares of the logarithms' differences."""
    hazards = np.diff(list(calibration.survival.values()), prepend=0) / np.diff(SURVIVAL_MONTHS)
    return float((np.diff(np.log(hazards + LOW_HAZARD)) ** 2).sum())


def climb(calibration: Calibration, rounds: int, judge: Judge, temperature: float) -> Calibration:
    """Return the best of so many rounds of one or two random changes.

    A change is kept where the loss falls; with a temperature at first also where it rises a little, less and less
    (simulated annealing).
    """
    rng = np.random.default_rng(1)
    bench = Bench(calibration)
    current = lowest = float("inf")
    best = calibration
    for number in range(rounds):
        candidate = calibration
        for _ in range(int(rng.integers(1, 3)) if number else 0):
            move = change_survival if rng.random() < 0.7 else change_progressions
            candidate = move(rng, candidate)
        limit = current + temperature * max(1 - 1.25 * number / rounds, 0) * rng.exponential()
        trial = bench.run(candidate)
        loss = judge.compute_loss(trial) + ROUGHNESS_WEIGHT * compute_roughness(candidate)
        if loss < limit:
            loss += judge.count_wrongly_entering(trial)
        if loss < limit:
            calibration, current = candidate, loss
        if loss < lowest:
            best, lowest = candidate, loss
        if number % 500 == 499:
            _say(f"  {number + 1} of {rounds} rounds, loss {lowest:.2f}")
    return best


def find_course_seed(calibration: Calibration, judge: Judge) -> int:
    """Return the seed under which the models hold what the printed ones hold or nearly so, and the loss is lowest."""
    bench = Bench(calibration)

    def compute(seed: int) -> float:
        trial = bench.run(replace(calibration, course_seed=seed))
        return judge.compute_loss(trial) + 50 * judge.count_wrongly_entering(trial)

    return min(range(COURSE_SEEDS), key=compute)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Search, print what was reached, and write the constants."""
    spec = read_study("len_vs_sora")
    judge = Judge(spec, [t for t in list_targets(spec) if t.tolerance], read_published(spec))
    matching_seed, is_matched = find_matching_seed()
    _say(f"matching seed {matching_seed}")
    further_seed = find_further_seed(matching_seed, np.concatenate([is_matched[arm] for arm in ARM_SIZES]))
    _say(f"further seed {further_seed}")
    calibration = make_start(matching_seed, further_seed, is_matched)
    calibration = replace(calibration, course_seed=find_course_seed(calibration, judge))
    _say(f"course seed {calibration.course_seed}")
    for temperature in TEMPERATURES:
        calibration = climb(calibration, ROUNDS, judge, temperature)
    write_calibration(calibration)
    _say(f"{CALIBRATION_PATH.name} written")


if __name__ == "__main__":
    main()
