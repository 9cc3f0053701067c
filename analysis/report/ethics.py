"""The ethics statement of a manuscript: what the database has of each hospital's permission, and a place to fill in where it has none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.design import join_words, list_hospitals, write_day
from analysis.tables.model import Open, Part

APPROVAL, WAIVER, PUBLIC, SYNTHETIC = "approval", "waiver", "public data", "synthetic"
"""The kinds of permission that a mapping states (docs/mapping.md)."""


def write_ethics(said: str, manifest: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the statement: what a person said, then what permits the use of each hospital's data.

    A hospital of which nothing is on record leaves a place to fill in, unless a person has said it.
    """
    hospitals = list_hospitals(manifest)
    told = [sentence for kind in _SENTENCES if (sentence := _describe(kind, hospitals))]
    unknown = [item["name_en"] for item in hospitals if _find_kind(item) is None]
    if said or not unknown:
        return (" ".join(filter(None, (said, *told))),)
    place = Open(f"approval of the ethics board of {join_words(unknown)}: number and date")
    return (" ".join(told) + " ", place) if told else (place,)


def _find_kind(hospital: Mapping[str, Any]) -> str | None:
    return (hospital.get("permission") or {}).get("kind")


def _describe(kind: str, hospitals: Sequence[Mapping[str, Any]]) -> str:
    own = [item for item in hospitals if _find_kind(item) == kind]
    names = [f"{item['name_en']}{_describe_paper(item['permission'])}" for item in own]
    return _SENTENCES[kind].format(names=join_words(names)) if own else ""


def _describe_paper(permission: Mapping[str, Any]) -> str:
    """Number and first day of an approval or waiver, the licence of public data, in brackets; nothing where nothing is on record."""
    day = permission["permitted_on"]
    parts = [permission["number"], write_day(dt.date.fromisoformat(str(day)).isoformat()) if day else ""]
    return f" ({', '.join(filter(None, parts))})" if any(parts) else ""


_SENTENCES = {
    APPROVAL: "The study was approved by the ethics board of {names}.",
    WAIVER: "Approval was waived by the ethics board of {names}.",
    PUBLIC: "The data of {names} are public.",
    SYNTHETIC: "The patients of {names} are synthetic, so that no approval was needed.",
}
