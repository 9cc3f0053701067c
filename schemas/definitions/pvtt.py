"""Portal vein tumour thrombus (PVTT), Cheng's type, from what a report says of each vein.

Source: Cheng's type as the study's protocol and the Chinese expert consensus give it (Cheng S et al., Oncotarget
2017;8:8867-8876, doi:10.18632/oncotarget.12817): 0 none; I segmental or sectoral branches; II left and/or right portal
vein; III main trunk; IV superior mesenteric vein. Several sites: the highest counts. Of the subtypes (Ia to IVb) IVb is the
inferior vena cava, no portal vein. The Japanese classes (Liver Cancer Study Group of Japan) correspond as World J Gastroenterol
2022;28:704-714, doi:10.3748/wjg.v28.i7.704, figure 2, draws them: VP1 and VP2 are type I, VP3 is II; VP4 is the main trunk or the
branch of the other side, so it only confirms what a site says.
What is not recognised is null, never "none".
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.codes import PvttType
from schemas.definitions.vein_text import Report, Said, Statement
from schemas.definitions.vein_words import Place

_TYPES = (PvttType.NONE, PvttType.TYPE_I, PvttType.TYPE_II, PvttType.TYPE_III, PvttType.TYPE_IV)
_NONE = frozenset({0})
_TYPE_II = frozenset({2})
_BRANCHES = {"left", "right"}
"""Where both are free there is no type II; where one is there may be."""


def find_type(report: Report) -> str | None:
    """Return Cheng's type '0'-'IV' of a report; None where it is not said, doubted or contradictory."""
    portal = [s for s in report.statements if s.vessel.place is Place.PORTAL]
    if _is_contradictory(portal) or None in report.stated:
        return None
    stated = [s.types for s in report.stated if s is not None and not s.is_vena_cava]
    found = _find_possible(portal)
    if stated:
        found = _meet(portal, found, frozenset.intersection(*stated))
    return _TYPES[next(iter(found))].value if found is not None and len(found) == 1 else None


def _is_contradictory(portal: Sequence[Statement]) -> bool:
    """Whether one vessel is affirmed and denied, or the whole portal vein denied beside an affirmed part."""
    affirmed = {name for s in portal if s.said is Said.AFFIRMED for name in s.vessel.names}
    denied = {name for s in portal if s.said is Said.DENIED for name in s.vessel.names}
    is_whole_denied = any(s.vessel.is_whole and s.said is Said.DENIED for s in portal)
    return bool(affirmed & denied - {"rest", "sector", "branch"}) or (is_whole_denied and bool(affirmed))


def _find_possible(portal: Sequence[Statement]) -> frozenset[int] | None:
    """Return the types that the sites leave possible: the highest affirmed site at least, a doubtful higher one at most.

    That small branches, or a vein that only leads to the portal vein, are free says nothing of the rest.
    """
    affirmed = [s.vessel for s in portal if s.said is Said.AFFIRMED and (not s.vessel.is_whole or s.is_listed)]
    affirmed = affirmed or [s.vessel for s in portal if s.said is Said.AFFIRMED]
    doubtful = [s.vessel for s in portal if s.said is Said.UNCERTAIN]
    if affirmed or doubtful:
        low = max((vessel.low for vessel in affirmed), default=0)
        return frozenset(range(low, max(vessel.high for vessel in (*affirmed, *doubtful)) + 1))
    is_denied = any(s.vessel.is_whole or 1 < s.vessel.high < 4 or "macrovascular" in s.vessel.names for s in portal)
    return _NONE if is_denied else None


def _meet(portal: Sequence[Statement], found: frozenset[int] | None, stated: frozenset[int]) -> frozenset[int]:
    """Return what sites and stated type leave possible together; empty where they contradict each other."""
    if found is None:
        return stated
    if found == _NONE and stated != _NONE:
        denied = [s.vessel for s in portal]
        is_closed = any(v.is_whole or (v.low == v.high and v.low in stated and v.low > 2) for v in denied)
        has_no_branch = {name for v in denied for name in v.names} >= _BRANCHES
        return frozenset() if is_closed or (has_no_branch and stated == _TYPE_II) else stated
    return found & stated
