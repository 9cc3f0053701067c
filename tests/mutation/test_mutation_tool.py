"""The tool behind `make mutation` changes what it should, leaves alone what it should, and tells a noticed change."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutation.mutants import build_mutant, find_mutants, find_users

ROOT = Path(__file__).parents[2]


def changes(source):
    return {(m.before, m.after) for m in find_mutants(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = b <= c", {"a = b < c", "a = b > c"}),
        ("a = b == c", {"a = b != c"}),
        ("CUT = 400", {"CUT = 399", "CUT = 401"}),
        ("CUT = 2.60", {"CUT = 2.59", "CUT = 2.61"}),
        ("a = b & c", {"a = b | c"}),
        ("a = ~b", {"a = b"}),
        ("a = b * c", {"a = b / c"}),
        ("a = f(value=False)", {"a = f(value=True)"}),
        ("a = b.any()", {"a = b.all()"}),
        ("a = b.fill_null(c)", {"a = b"}),
        ("a = b.over('x', 'y')", {"a = b", "a = b.over('x')", "a = b.over('y')"}),
        ("a = b.is_between(c, d)", {"a = b.is_between(c, d, closed='left')", "a = b.is_between(c, d, closed='right')"}),
        ("a = pl.when(b).then(c).when(d).then(e)", {
            "a = pl.when(~b).then(c).when(d).then(e)", "a = pl.when(b).then(c).when(~d).then(e)", "a = pl.when(b).then(c)",
        }),
        ("a = [Sex.MALE.value, 'x']", {"a = ['x']", "a = [Sex.MALE.value]", "a = [Sex.FEMALE.value, 'x']"}),
        ("END = date(2021, 12, 31)", {"END = date(2021, 12, 30)", "END = date(2022, 1, 1)"}),
        ("a = pl.coalesce(b, c)", {"a = pl.coalesce(c, b)"}),
        ("Number = int | float", set()),
        ("@rule(order=1, en='at most 3')\ndef f(x: Literal[1]) -> Literal[2]:\n    '''Up to 3.'''\n    return x", set()),
        ("a = g(caveat='x', unit='1')", set()),
    ],
)  # fmt: skip
def test_the_changes_of_a_line(source, expected):
    assert {after for _, after in changes(source)} == expected


def test_a_mutant_is_built_with_its_change_alone():
    source = "a = 1 < 2\nb = 3\n"
    mutants = find_mutants(source)
    built = {ast.unparse(build_mutant(source, m.index)) for m in mutants}
    assert len(built) == len(mutants) == 8
    assert ast.unparse(ast.parse(source)) not in built


def test_a_change_reaches_what_uses_the_name():
    source = (
        "LIMIT = 1\ndef _part():\n    return LIMIT\ndef rule_a():\n    return _part()\ndef rule_b():\n    return 2\n"
    )
    assert find_users(source, "LIMIT") == {"LIMIT", "_part", "rule_a"}
    assert find_users(source, "rule_b") == {"rule_b"}


def test_equivalent_changes_still_exist_and_have_a_reason():
    from mutation.run import read_equivalent

    for (module, *change), reason in read_equivalent().items():
        source = (ROOT / module).read_text(encoding="utf-8")
        assert tuple(change) in {(m.scope, m.before, m.after) for m in find_mutants(source)}, (module, change)
        assert len(reason) > 10


def test_a_noticed_and_an_unnoticed_change_are_told_apart(tmp_path):
    """A run of its own: forking is for a process that has not computed yet."""
    code = (
        "from pathlib import Path; from mutation import run; from mutation.mutants import find_mutants;"
        "path = run.ROOT / 'schemas/definitions/albi.py';"
        "mutants = {(m.before[:20], m.after[-5:]): m for m in find_mutants(path.read_text(encoding='utf-8'))};"
        "m = next(m for m in find_mutants(path.read_text(encoding='utf-8')) if '2.6' in m.before);"
        "tests = ['tests/spec/test_liver_function.py'];"
        "print(run.judge(path, None, tests, frozenset(), ()), run.judge(path, m, tests, frozenset(), ())[0])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["(0,", "'')", "1"], done.stderr
