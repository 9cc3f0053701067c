"""Mutation score of `schemas/`: how many small changes of meaning the tests notice.

For every change (tests/mutation/mutants.py) a forked child imports the changed module and runs the tests that should
notice it, up to the first failure. The parent has imported the heavy libraries but never computes with polars, whose
threads a fork would not carry over.

    PYTHONPATH=tests python -m mutation.run [part of a module's name ...]
"""

from __future__ import annotations

import csv
import functools
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import pandera.polars  # noqa: F401
import pytest
from hypothesis import Phase, settings
from mutation.mutants import Mutant, build_mutant, find_mutants, find_users

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "mutation.md"
EQUIVALENT = Path(__file__).with_name("equivalent.csv")
TESTS = Path(__file__).with_name("tests.csv")
RULE_CASES = "tests/rules/test_rule_cases.py"
SECONDS_PER_MUTANT = 300
EVERY = int(os.environ.get("EVERY", "1"))
"""Of so many changes of a module one is judged: a sample where all would take hours."""
OFFSET = int(os.environ.get("OFFSET", "0"))
"""How many changes of a module are passed over before the first is judged: another sample (fewer than `EVERY`)."""
FAILED, BROKEN, NO_TEST = 1, 3, 5
PYTEST = (
    "-q", "-x", "--tb=no", "--no-header", "--assert=plain", "--import-mode=importlib", "-o", "addopts=",
    *(word for name in ("cacheprovider", "unraisableexception", "threadexception") for word in ("-p", f"no:{name}")),
)  # fmt: skip
CHANGED = "changed"
KILLED, SURVIVED, EQUIVALENT_CHANGE = "killed", "survived", "equivalent"


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant: the test that noticed it, "" if none did."""

    module: str
    mutant: Mutant
    outcome: str
    test: str = ""


@dataclass
class Selection:
    """pytest plugin: keeps the wanted items, those that noticed a change before first, and leaves at the first failure.

    `leave` is called with pytest's exit code and the failing test, and does not return.
    """

    rules: frozenset[str]
    first: Sequence[str]
    leave: Callable[[int, str], None]

    def pytest_sessionstart(self) -> None:
        """Generate few examples, the same in every run, and do not shrink those that fail."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", max_examples=50, derandomize=True, deadline=None, phases=phases)
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Leave out the cases of other rules before they become items."""
        for mark in metafunc.definition.iter_markers("parametrize"):
            if self.rules and "rule_id" in mark.args[0]:
                cases = mark.args[1]
                cases[:] = [case for case in cases if getattr(case, "values", [case])[0] in self.rules]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the cases of the rules that the change can reach; no rules: all."""
        if self.rules:
            items[:] = [i for i in items if not i.nodeid.startswith(RULE_CASES) or self._is_wanted(i)]
        rank = {name: position for position, name in enumerate(self.first)}
        items.sort(key=lambda i: rank.get(i.nodeid, len(rank)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave with the failing test."""
        if report.failed:
            self.leave(FAILED, report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Leave when all tests are done, or could not be collected."""
        self.leave(int(exitstatus), "")

    def _is_wanted(self, item: pytest.Item) -> bool:
        params = getattr(item, "callspec", None)
        return params is not None and params.params.get("rule_id") in self.rules


class ChangedModule(importlib.abc.MetaPathFinder):
    """Import finder that gives one module with a change in it."""

    def __init__(self, path: Path, index: int) -> None:
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self.path, self.index = path, index

    def find_spec(self, fullname: str, path: object = None, target: object = None):
        """Answer for the changed module alone."""
        if fullname == self.name:
            return importlib.util.spec_from_file_location(fullname, self.path, loader=ChangedLoader(self))
        return None


class ChangedLoader(importlib.machinery.SourceFileLoader):
    """Loader that compiles the changed syntax tree."""

    def __init__(self, finder: ChangedModule) -> None:
        super().__init__(finder.name, str(finder.path))
        self.index = finder.index

    def get_code(self, fullname: str):
        """Compile the module with its change."""
        tree = build_mutant(Path(self.path).read_text(encoding="utf-8"), self.index)
        return compile(tree, self.path, "exec")


def read_targets() -> dict[Path, tuple[tuple[str, ...], str]]:
    """Return each mutated module, its tests, and the rules whose cases count: ids, `changed`, or none named for all."""
    targets = {}
    for row in csv.DictReader(TESTS.read_text(encoding="utf-8").splitlines()):
        for path in sorted(ROOT.glob(row["module"])):
            if find_mutants(path.read_text(encoding="utf-8")) and path not in targets:
                targets[path] = (tuple(row["tests"].split()), row["rules"])
    return targets


def read_equivalent() -> dict[tuple[str, str, str, str], str]:
    """Return the changes that change nothing: (module, scope, before, after) -> reason."""
    rows = csv.DictReader(EQUIVALENT.read_text(encoding="utf-8").splitlines())
    return {(r["module"], r["scope"], r["before"], r["after"]): r["reason"] for r in rows}


def judge(
    path: Path, mutant: Mutant | None, tests: Sequence[str], rules: frozenset[str], first: Sequence[str]
) -> tuple[int, str]:
    """Return pytest's exit code and the failing test of a forked run; a run that hangs or dies has code -1."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _run_tests(path, mutant, tests, rules, first, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        failed = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return (os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else -1), failed


def _run_tests(
    path: Path, mutant: Mutant | None, tests: Sequence[str], rules: frozenset[str], first: Sequence[str], writer: int
) -> None:
    """Run the tests quietly in this process and leave it: there is nothing to clean up in a child."""

    def leave(code: int, failed: str) -> None:
        os.write(writer, failed.encode()[:4000])
        os._exit(code)

    signal.setitimer(
        signal.ITIMER_PROF, SECONDS_PER_MUTANT
    )  # of CPU: on a busy machine nothing is cut short that is only slow
    gc.disable()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if mutant is not None:
        sys.meta_path.insert(0, ChangedModule(path, mutant.index))
    try:
        pytest.main([*PYTEST, *tests], plugins=[Selection(rules, first, leave)])
    finally:
        leave(BROKEN, "")


def judge_by_files(
    path: Path, mutant: Mutant, tests: Sequence[str], rules: frozenset[str], first: Sequence[str]
) -> tuple[int, str]:
    """Run one file of tests after the other, each in a child of its own, until one notices the change."""
    answers = []
    for file in tests:
        answers.append(judge(path, mutant, [file], rules, first))
        if answers[-1][0] not in (0, NO_TEST):
            return answers[-1]
    if all(code == NO_TEST for code, _ in answers):
        raise SystemExit(f"{path}: no test for a change of {mutant.scope}")
    return 0, ""


@functools.cache
def check_unchanged(file: str, rules: frozenset[str]) -> None:
    """Stop where the tests do not pass on the unchanged code, since then nothing could be told."""
    code, failed = judge(ROOT, None, [file], rules, ())
    if code not in (0, NO_TEST):
        raise SystemExit(f"{file} does not pass on the unchanged code ({code}): {failed}")


def judge_module(path: Path, tests: tuple[str, ...], rules: str, known: Container[tuple[str, ...]]) -> list[Verdict]:
    """Judge every mutant of a module."""
    source = path.read_text(encoding="utf-8")
    module = str(path.relative_to(ROOT))
    for file in tests:
        check_unchanged(file, frozenset() if rules == CHANGED else frozenset(rules.split()))
    verdicts, killers = [], Counter[str]()
    for mutant in find_mutants(source)[OFFSET::EVERY]:
        if (module, mutant.scope, mutant.before, mutant.after) in known:
            verdicts.append(Verdict(module, mutant, EQUIVALENT_CHANGE))
            continue
        reached = find_users(source, mutant.scope) if rules == CHANGED else rules.split()
        first = [name for name, _ in killers.most_common(40)]
        code, failed = judge_by_files(path, mutant, tests, frozenset(reached), first)
        killers[failed] += bool(failed)
        verdicts.append(Verdict(module, mutant, KILLED if code else SURVIVED, failed))
        print(describe_survivors(verdicts[-1:]), end="", flush=True)
    return verdicts


def describe_sample() -> str:
    """Say which changes were judged, where not all were."""
    if EVERY == 1:
        return ""
    return f"A sample: of every {EVERY} changes of a module one was judged, after passing over the first {OFFSET}.\n\n"


def describe_scores(verdicts: list[Verdict]) -> str:
    """Return the score per module as a Markdown table."""
    out = io.StringIO()
    out.write("| module | mutants | killed | survived | equivalent | score |\n|---|--:|--:|--:|--:|--:|\n")
    by_module: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        by_module.setdefault(verdict.module, Counter())[verdict.outcome] += 1
    for module, counts in [*sorted(by_module.items()), ("all", sum(by_module.values(), Counter()))]:
        killed, survived, same = counts[KILLED], counts[SURVIVED], counts[EQUIVALENT_CHANGE]
        score = f"{100 * killed / (killed + survived):.1f} %" if killed + survived else ""
        out.write(f"| {module} | {killed + survived + same} | {killed} | {survived} | {same} | {score} |\n")
    return out.getvalue()


def describe_survivors(verdicts: list[Verdict]) -> str:
    """Return the changes that no test noticed as a Markdown list."""
    return "".join(
        f"- `{v.module}` line {v.mutant.line}, `{v.mutant.scope}`\n"
        f"  - was: `{v.mutant.before}`\n  - now: `{v.mutant.after}`\n"
        for v in verdicts
        if v.outcome == SURVIVED
    )


def main(parts: list[str]) -> None:
    """Judge the modules whose path contains one of the parts (none: all, and write the report), a module a core."""
    started = time.monotonic()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    gc.freeze()
    known = read_equivalent()
    chosen = {
        path: target
        for path, target in read_targets().items()
        if not parts or any(part in str(path.relative_to(ROOT)) for part in parts)
    }
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        running = {
            pool.submit(judge_module, path, tests, rules, known): path.relative_to(ROOT)
            for path, (tests, rules) in chosen.items()
        }
        for done in as_completed(running):
            counts = dict(Counter(v.outcome for v in done.result()))
            print(f"{time.monotonic() - started:6.0f} s  {running[done]}: {counts}", flush=True)
    verdicts = [verdict for judged in running for verdict in judged.result()]
    scores = describe_scores(verdicts)
    print(scores)
    if not parts:
        head = REPORT.read_text(encoding="utf-8").split("## Score")[0]
        survivors = describe_survivors(verdicts) or "None.\n"
        REPORT.write_text(
            f"{head}## Score\n\n{describe_sample()}{scores}\n## Survivors\n\n{survivors}", encoding="utf-8"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
