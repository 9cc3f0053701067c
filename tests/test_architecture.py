"""The architecture as it is written down, read from the code: who imports whom, and what must not be missing."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from etl.choose_delivery import list_judging_code
from etl.delivery.read import SYNTHETIC_MARKER

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "etl", "analysis")
LOCK_FILES = ("requirements-build.txt", "requirements.txt", "requirements-dev.txt")
TOP_LEVEL = {*PACKAGES, "sql"}
ROOMS = ("etl", "analysis")
FLOOR = {
    "configuration",
    "errors",
    "installation",
    "interruption",
    "kept_files",
    "saved",
    "settings",
    "suggestions",
    "whole_files",
}
"""Modules at the top of etl/ that every room stands on: errors, settings, and what people write and read. They stand on pages alone."""
ANALYSIS_MAY_USE = {*FLOOR, "archive", "store", "pages"}
OUR_NAMES = "etl/faults.py"
"""It names the packages that are ours."""
THE_COMMAND = "analysis/cli.py"
"""The console script mounts etl's commands and runs the example study with them."""


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


def read_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def read_pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def own(imports: set[str]) -> set[str]:
    return {name for name in imports if name.split(".")[0] in PACKAGES}


def test_schemas_import_nothing_of_ours_but_schemas():
    for path in list_modules("schemas"):
        assert all(name.split(".")[0] == "schemas" for name in own(read_imports(path))), path


def test_etl_never_imports_analysis():
    for path in list_modules("etl"):
        assert not any(name.split(".")[0] == "analysis" for name in read_imports(path)), path


def test_the_analysis_stands_on_the_store():
    for path in list_modules("analysis"):
        if path.relative_to(ROOT).as_posix() == THE_COMMAND:
            continue
        used = {name.split(".")[1] for name in read_imports(path) if name.startswith("etl.")}
        assert used <= ANALYSIS_MAY_USE, path


def list_rooms(package: str) -> list[str]:
    folders = (path.parent for path in (ROOT / package).glob("*/__init__.py"))
    return sorted(folder.name for folder in folders if len(list(folder.glob("*.py"))) > 1)


def read_foundations(package: str, room: str) -> set[str]:
    """The rooms that a room says it stands on, in the one sentence of its `__init__.py`."""
    sentence = ast.get_docstring(read_tree(ROOT / package / room / "__init__.py")) or ""
    first = sentence.split("\n\n")[0]
    assert re.fullmatch(r"[^.]+(?:[^ ]\.[^ ][^.]*)*\.", first), (
        f"{package}/{room}: say in one sentence what the room does"
    )
    said = re.search(r"; stands on ([a-z_, ]+)\.$", first)
    return set(said[1].split(", ")) if said else set()


def find_foundations(package: str, room: str) -> set[str]:
    """The rooms of the same package that its modules import."""
    names = {name for path in (ROOT / package / room).rglob("*.py") for name in read_imports(path)}
    used = {name.split(".")[1] for name in names if name.startswith(f"{package}.")}
    return used & set(list_rooms(package)) - {room}


@pytest.mark.parametrize(
    ("package", "room"), [(package, room) for package in ROOMS for room in list_rooms(package) if room != "example"]
)
def test_a_room_stands_on_the_rooms_that_it_says(package, room):
    assert find_foundations(package, room) == read_foundations(package, room), (
        f"write at the end of the sentence of {package}/{room}/__init__.py what it stands on, or take the import away"
    )


@pytest.mark.parametrize("package", ROOMS)
def test_no_room_stands_on_one_that_stands_on_it(package):
    left = {room: find_foundations(package, room) for room in list_rooms(package)}
    while left:
        free = [room for room, below in left.items() if not below & set(left)]
        assert free, f"a circle among {sorted(left)}"
        for room in free:
            del left[room]


def test_rooms_use_of_the_top_of_etl_only_what_everything_stands_on():
    for room in list_rooms("etl"):
        for path in (ROOT / "etl" / room).rglob("*.py"):
            used = {name.split(".")[1] for name in read_imports(path) if name.startswith("etl.")}
            assert used <= {*FLOOR, *list_rooms("etl")}, path
    for name in FLOOR:
        used = {name.split(".")[1] for name in read_imports(ROOT / "etl" / f"{name}.py") if name.startswith("etl.")}
        assert used <= {*FLOOR, "pages"}, name


def test_the_hash_of_judging_code_covers_all_that_reads_or_judges():
    """Whatever the reading of a delivery runs through, found by following imports, is in the hash: else a change re-reads nothing."""
    hashed = {Path(str(path)).relative_to(ROOT).as_posix() for path in list_judging_code()}
    waiting = ["etl.delivery.read", "etl.mapping.verbs", "etl.mapping.records", "etl.judging.validate"]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        path = ROOT / f"{name.replace('.', '/')}.py"
        if name in reached or not path.is_file():
            continue
        reached.add(name)
        waiting += own(read_imports(path))
    talking = {f"etl.{name}" for name in FLOOR - {"configuration"}}
    judging = {name for name in reached if name not in talking and not name.startswith("etl.pages.")}
    assert len(judging) > 40
    assert {f"{name.replace('.', '/')}.py" for name in judging} <= hashed
    assert "etl/mapping/ordinary_words.csv" in hashed


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("duckdb", "etl/store/database.py"),
        ("filelock", "etl/store/lock.py"),
        ("great_expectations", "etl/quality/expectations.py"),
        ("survival", "analysis/estimators/cox.py"),
        ("lifelines", "analysis/estimators/peers.py"),
        ("sklearn", "analysis/estimators/peers.py"),
        ("fastexcel", "etl/delivery/workbook.py"),
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


def test_what_the_product_reads_is_found_through_its_packages():
    """`__file__` leads out of a package and to nothing in a wheel; `schemas.package_data` is the way to a file."""
    users = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in list_modules(package)
        if any(isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(read_tree(path)))
    }
    assert not users


def test_every_folder_between_a_package_and_its_modules_is_a_package():
    for package in TOP_LEVEL:
        folders = {path.parent for path in (ROOT / package).rglob("*.py")}
        assert all((folder / "__init__.py").is_file() for folder in folders), package


def test_the_wheel_would_take_every_file_of_the_packages():
    """A kind of file that `pyproject.toml` does not name would be left out of the wheel and missed by its users alone."""
    declared = read_pyproject()["tool"]["setuptools"]["package-data"]["*"]
    taken = {Path(pattern).suffix or Path(pattern).name for pattern in declared} | {".py"}
    for package in TOP_LEVEL:
        assert (ROOT / package / "py.typed").is_file()
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.name in taken or path.suffix in taken, (
                    f"{path}: add its kind to package-data in pyproject.toml"
                )


def test_the_top_level_names_of_the_wheel():
    include = read_pyproject()["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {pattern.removesuffix("*").removesuffix(".") for pattern in include} == TOP_LEVEL


def test_only_the_store_reads_the_sql():
    readers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in list_modules(package)
        if re.search(r"""files\("sql"\)|["']sql["']""", path.read_text(encoding="utf-8"))
    }
    assert all(name.startswith("etl/store/") for name in readers - {OUR_NAMES}), readers


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


def test_every_rule_says_why_it_is_asked_in_a_chinese_sentence():
    from schemas.contract_checks import CONTRACT_CHECKS
    from schemas.rules import RULES

    for rule in (*RULES.values(), *CONTRACT_CHECKS):
        assert re.fullmatch(r".*[\u4e00-\u9fff].*[^。]。", rule.why_zh), rule.rule_id
        assert not re.search(r"[,;?!]", rule.why_zh), rule.rule_id


def test_the_lock_files_hold_hashes_and_no_index_address():
    for name in LOCK_FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text), name


def test_make_fetches_nothing_whose_hash_is_not_written_down():
    installs = re.findall(r"(?:PIP_INSTALL\)|pip install)(.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    arguments = [words.split() for words in installs if "PIP_INSTALL :=" not in words]
    locked = [["--require-hashes", "-r", name] for name in LOCK_FILES]
    options = ["-q", "--disable-pip-version-check", "--no-build-isolation"]
    assert arguments == [options, *locked[:2], ["--no-deps", "-e", "."], locked[2]]


def test_what_the_wheel_is_built_with_is_locked():
    project = read_pyproject()
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


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
