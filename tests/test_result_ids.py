"""The name of a result is composed in one place: nothing else in the analysis puts one together, or types one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.study.cohort_names import COHORT_NAMES
from analysis.study.results import ANALYSES, STATISTICS

ROOT = Path(__file__).parents[1] / "analysis"
HOME = ROOT / "study" / "results.py"
EXEMPT = {
    ROOT / "report" / "results_page.py",  # types the examples of docs/results.md, which a test looks up
    ROOT / "study" / "spec.py",  # reads no results; its faults name keys of a specification, such as sensitivity.<id>
}
ANYTHING = "{}"


def render(node: ast.AST) -> str:
    """What a piece of code puts together as text, `{}` for what it fills in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(render, values))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return render(left) + render(right)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.replace("%s", ANYTHING)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text
        case ast.Call(func=ast.Attribute(value=ast.Constant(value="."), attr="join")):
            return f"{ANYTHING}.{ANYTHING}.{ANYTHING}"
    return ANYTHING


def list_texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a piece of code with its line, each as a whole and not again in its parts."""
    for child in ast.iter_child_nodes(node):
        text = render(child)
        if text == ANYTHING:
            yield from list_texts(child)
        else:
            yield child.lineno, text
            for part in ast.walk(child):
                if isinstance(part, ast.FormattedValue):
                    yield from list_texts(part)


def is_result_id(text: str) -> bool:
    """Whether a text, or what a text is filled into, is the name of a result or an end of one."""
    parts = text.split(".")
    if len(parts) == 1 or set(text) & set(" \n:/\\"):
        return False
    begins, ends = parts[0] in ANALYSES, parts[-1] in STATISTICS
    if ANYTHING not in text:
        return (begins or not parts[0]) and (ends or not parts[-1]) and text != "."
    is_filled = len(parts) > 2 and all(part == ANYTHING or part in COHORT_NAMES for part in parts)
    return begins or ends or is_filled


def find_composed(source: str) -> list[tuple[int, str]]:
    return [(line, text) for line, text in list_texts(ast.parse(source)) if is_result_id(text)]


@pytest.mark.parametrize(
    "code",
    [
        'f"kaplan_meier.{where}{arm}.median"', 'f"{where}.ci_low"', 'f"{analysis}.matched.{endpoint}"',
        '"flow." + name', 'where + ".hr"', 'name.removesuffix(".hr")', '"flow.%s.n_removed" % name',
        '"table1.{}.n".format(cohort)', '".".join(["logrank", *parts])', 'look_up(results, "flow.analysed.n", "count")',
        """f"Log-rank {format_p(results.value(f'logrank.{where}.p'))}\"""", 'f"{cohort}.{endpoint}.{arm}"',
    ],
)  # fmt: skip
def test_a_composed_name_is_seen(code):
    assert find_composed(code)


@pytest.mark.parametrize(
    "code",
    [
        'f"{drawing.name}.svg"', '"matching.covariates"', 'f"{where}.{key}"', 'f"analysis.tables.{name}"', '"."',
        'f"{where}.matching"', '"Matching. This gave n."', 'f"{study}: ratio.n"', 'key.result_id("n")', '"n"',
    ],
)  # fmt: skip
def test_another_text_is_let_alone(code):
    assert find_composed(code) == []


@pytest.mark.parametrize("path", sorted({*ROOT.rglob("*.py")} - {HOME} - EXEMPT), ids=lambda path: path.stem)
def test_names_of_results_are_composed_by_their_keys_alone(path):
    found = find_composed(path.read_text(encoding="utf-8"))
    assert found == [], "ask by a Key (analysis/study/results.py) instead: results.value(Key(analysis=...), statistic)"


def test_a_name_that_a_person_typed_is_looked_up_in_one_way():
    """`named` is for names that people type; the analysis has keys."""
    users = [
        path.name
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "named"
    ]
    assert set(users) == {HOME.name}
