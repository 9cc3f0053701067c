"""Documents that speak of the code: what they name is there, and one word is used for one thing."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ARCHITECTURE]
PAGES = [
    *(path for path in [*(ROOT / "docs").glob("*.md"), *GUIDES] if path != GLOSSARY),
    *(ROOT / "etl").rglob("*.html"),
    *(ROOT / "analysis").rglob("*.html"),
]


def read_words() -> list[list[str]]:
    """The rows of the glossary: word, Chinese, meaning, words that are not used for it."""
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def read_prose(path: Path) -> str:
    """What people read of a document; of a template only its texts, not its code."""
    content = path.read_text(encoding="utf-8")
    return " ".join(re.findall(r'text\("([^"]*)"', content)) if path.suffix == ".html" else content


def list_promises(text: str) -> list[list[str]]:
    """The tests named in each row of the tables of a text, sorted."""
    rows = [line for line in text.splitlines() if line.startswith("|") and "`tests/" in line]
    return [sorted(re.findall(r"`(tests/[\w/.]+)`", row)) for row in rows]


def test_a_hospitals_agreement_promises_in_both_languages_what_security_promises_with_a_test():
    agreement = (ROOT / "docs" / "hospital-agreement.md").read_text(encoding="utf-8")
    chinese, english = agreement.split("## English")
    promises = list_promises(english)
    assert list_promises(chinese) == promises
    assert len(promises) == 11
    held = (
        (ROOT / "docs" / "security.md")
        .read_text(encoding="utf-8")
        .replace("`test_canary.py`", "`tests/functional/test_canary.py`")
    )
    assert {path for row in promises for path in row} <= {path for row in list_promises(held) for path in row}
    assert all((ROOT / path).exists() for row in promises for path in row)


def test_the_glossary_is_in_order_and_has_both_languages():
    words = [row[0] for row in read_words()]
    assert words == sorted(words, key=str.casefold)
    assert len(words) == len(set(words)) >= 45
    assert all(re.search(r"[\u4e00-\u9fff]", row[1]) for row in read_words())


def test_one_word_is_used_for_one_thing():
    unused = {word: row[0] for row in read_words() for word in row[3].split(", ") if word}
    assert len(unused) >= 4
    for path in PAGES:
        text = read_prose(path).casefold()
        for word, right in unused.items():
            assert not re.search(rf"\b{word}s?\b", text), (
                f"{path.relative_to(ROOT)}: write {right!r} instead of {word!r}"
            )


def test_the_architecture_says_what_each_room_says_of_itself():
    text = ARCHITECTURE.read_text(encoding="utf-8")
    for package in ("etl", "analysis"):
        for path in (ROOT / package).glob("*/__init__.py"):
            if len(list(path.parent.glob("*.py"))) == 1 or path.parent.name == "example":
                continue
            sentence = (
                ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("; stands on")[0].rstrip(".")
            )
            name = f"{package}/{path.parent.name}"
            assert f"`{name}`" in text or f"`{path.parent.name}`" in text, f"{ARCHITECTURE.name} lacks {name}"
            if path.parent.name not in ("steps", "tables", "figures", "report", "onboarding"):
                assert sentence in text, f"{ARCHITECTURE.name}: write of {name} what its __init__.py says: {sentence}"


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_folders_and_files_that_the_guides_name_are_there(path):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`((?:etl|schemas|analysis|sql|tests|docs)/[\w/.-]*)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "path", [*GUIDES, GLOSSARY, *(ROOT / "docs" / "decisions").glob("*.md")], ids=lambda path: path.name
)
def test_links_lead_to_documents_that_are_there(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_version_to_cite_is_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
