"""How a benchmark measures, and where it writes what it found: ratios of CPU seconds in one run, never seconds.

`make bench` collects the lines of all benchmarks from the file that BENCH_RESULTS names, one JSON object each; without it
they are only printed.
"""

import ctypes
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """What was measured at which size, and the median ratio of its CPU seconds to those of `floor`, which says what that is.

    `exponent`: by which power of the size the seconds grow over the sizes measured; `peak_mb`: memory beyond what was in use.
    """

    what: str
    size: int
    ratio: float
    floor: str
    exponent: float | None = None
    peak_mb: float | None = None

    def report(self) -> None:
        """Print the line, and append it to the file of results where there is one."""
        grown = "" if self.exponent is None else f", exponent {self.exponent:.2f}"
        memory = "" if self.peak_mb is None else f", {self.peak_mb:,.0f} MB"
        print(f"\n{self.what}, {self.size:,}: {self.ratio:.2f} x {self.floor}{grown}{memory}")
        if path := os.environ.get("BENCH_RESULTS"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self), ensure_ascii=False) + "\n")


def clock(action: Callable[[], Any]) -> float:
    """CPU seconds of this process and its threads."""
    start = time.process_time()
    action()
    return time.process_time() - start


def measure_pairs(ours: Callable[[], float], floor: Callable[[], float], runs: int = 5) -> tuple[float, float]:
    """Medians over pairs of runs, one right after the other: of the ratio, and of our seconds. Both return their seconds."""
    pairs = [(ours(), floor()) for _ in range(runs)]
    return statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs)


def compute_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log seconds over log size, by least squares."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds]).slope


def measure_peak_mb(action: Callable[[], Any]) -> float | None:
    """The most memory in use at once while the action ran, less what was before (MB); none where the system does not tell."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what is free but kept would be used again unseen
        Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the highest so far
    except (OSError, AttributeError):
        return None
    before = _read_peak_kb()
    action()
    return (_read_peak_kb() - before) / 1024


def _read_peak_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure_sizes(
    what: str,
    floor_name: str,
    sizes: Sequence[int],
    prepare: Callable[[int], tuple[Callable[[], Any], Callable[[], float]]],
    runs: int = 5,
) -> None:
    """Measure and report at every size; `prepare` gives our action, and what returns the floor's seconds."""
    found = []
    for size in sizes:
        ours, floor = prepare(size)
        peak_mb = measure_peak_mb(ours)
        ratio, seconds = measure_pairs(lambda ours=ours: clock(ours), floor, runs)
        found.append((size, ratio, seconds, peak_mb))
    exponent = compute_exponent(sizes, [seconds for _, _, seconds, _ in found])
    for size, ratio, _, peak_mb in found:
        Line(what, size, ratio, floor_name, exponent, peak_mb).report()
