"""The committed page of the specification is what the code says now, and every key says what it means."""

import dataclasses
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

from analysis.report.studies_page import WORKED, render_studies_page
from analysis.study.read_spec import list_studies
from analysis.study.spec import StudySpec
from schemas.rules import CRITERIA

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"


def test_committed_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == render_studies_page(), "docs/studies.md is out of date: run `make docs`"
    assert render_studies_page() == render_studies_page()


def list_parts(kind):
    """A class of the specification and those of the tables inside it."""
    yield kind
    for hint in get_type_hints(kind).values():
        for inner in (hint, *get_args(hint)):
            if dataclasses.is_dataclass(inner):
                yield from list_parts(inner)


def test_every_key_has_a_meaning_and_stands_in_the_page():
    text = render_studies_page()
    for kind in set(list_parts(StudySpec)):
        hints = get_type_hints(kind, include_extras=True)
        for item in dataclasses.fields(kind):
            is_part = any(dataclasses.is_dataclass(i) for i in (hints[item.name], *get_args(hints[item.name])))
            if item.metadata.get("is_given") or is_part:
                continue
            assert get_origin(hints[item.name]) is Annotated, (
                f"{kind.__name__}.{item.name} says nothing of what it means"
            )
            assert f"| `{item.name}` | " in text


def test_every_criterion_and_worked_study_stands_in_the_page():
    text = render_studies_page()
    assert [name for name in CRITERIA if f"| `{name}` | " not in text] == []
    assert set(WORKED) <= set(list_studies())
    assert [name for name in WORKED if f"### `{name}`" not in text] == []
