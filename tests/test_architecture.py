"""The architecture as it is written down, read from the code: who imports whom, and what must not be missing."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from etl.extract import SYNTHETIC_MARKER

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "etl", "analysis")
ANALYSIS_MAY_USE = {"warehouse", "disclosure", "settings", "errors", "pages"}
MAY_USE_ALL_OF_ETL = {
    "analysis/cli.py",  # the console script: it mounts etl's commands and runs the example study with them
    "analysis/calibrate_example.py",  # searches the constants of etl/example: it draws patients and analyses them
    "analysis/calibration_trial.py",
}


def list_modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def read_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively, which the tests below would not see"
            assert node.module
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own(imports: set[str]) -> set[str]:
    return {name for name in imports if name.split(".")[0] in PACKAGES}


def test_schemas_import_nothing_of_ours_but_schemas():
    for path in list_modules("schemas"):
        assert all(name.split(".")[0] == "schemas" for name in own(read_imports(path))), path


def test_etl_never_imports_analysis():
    for path in list_modules("etl"):
        assert not any(name.split(".")[0] == "analysis" for name in read_imports(path)), path


def test_analysis_uses_only_the_agreed_parts_of_etl():
    for path in list_modules("analysis"):
        if path.relative_to(ROOT).as_posix() in MAY_USE_ALL_OF_ETL:
            continue
        used = {name.split(".")[1] for name in read_imports(path) if name.startswith("etl.")}
        assert used <= ANALYSIS_MAY_USE, path


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("duckdb", "etl/warehouse.py"),
        ("great_expectations", "etl/quality/expectations.py"),
        ("survival", "analysis/cox.py"),
        ("lifelines", "analysis/kaplan_meier.py"),
        ("sklearn", "analysis/propensity.py"),
        ("fastexcel", "etl/workbook.py"),
    ],
)
def test_a_library_that_is_used_in_one_place_stays_there(library, home):
    users = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in list_modules(package)
        if library in {name.split(".")[0] for name in read_imports(path)}
    }
    assert users == {home}


def test_no_module_is_too_long_and_no_module_is_called_utils():
    for package in PACKAGES:
        for path in list_modules(package):
            assert path.stem not in ("utils", "helpers", "misc", "common"), path
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_no_function_is_too_long():
    for package in PACKAGES:
        for path in list_modules(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 60, (path, node.name)


def test_every_mart_is_built():
    from etl.warehouse import MART_ORDER

    assert sorted(MART_ORDER) == sorted(path.stem for path in (ROOT / "sql" / "marts").glob("*.sql"))


def test_every_sql_file_says_what_it_is():
    for path in sorted((ROOT / "sql").rglob("*.sql")):
        assert path.read_text(encoding="utf-8").startswith("-- "), path


def test_every_table_field_and_code_has_its_meaning_in_both_languages():
    from schemas import codes
    from schemas.contract import read_contract, read_grain
    from schemas.tables import TABLES

    for table in TABLES.values():
        assert all(read_grain(table)), table
        for name, spec in read_contract(table).items():
            assert spec.meaning, (table, name)
            assert re.search(r"[\u4e00-\u9fff]|^[A-Z]", spec.zh), (table, name)
    for code in codes.Code.__subclasses__():
        assert all(member.zh for member in code), code


def test_every_rule_and_criterion_says_its_source_and_speaks_both_languages():
    from schemas.rules import CRITERIA, RULES

    for rule in RULES.values():
        assert rule.source, rule.rule_id
        assert rule.why.endswith("."), rule.rule_id
        assert rule.en, rule.rule_id
        assert re.search(r"[\u4e00-\u9fff]", rule.zh), rule.rule_id
    orders = [criterion.order for criterion in CRITERIA.values()]
    assert sorted(orders) == list(range(1, len(orders) + 1))


def test_the_lock_files_hold_hashes_and_no_index_address():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text), name


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no git checkout")
def test_nothing_a_study_owns_is_under_version_control():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "README.md" in tracked
    invented = [
        name for name in tracked if name.startswith(("tests/unseen/", "tests/store/")) and SYNTHETIC_MARKER in name
    ]
    assert not [
        name
        for name in tracked
        if name.startswith(("workspace/", "example/")) or name.endswith((".duckdb", ".xlsx", ".key", ".tar.xz"))
        if name not in invented
    ]
