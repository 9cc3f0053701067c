"""Lines of therapy, lesions and readings of an invented patient. SYNTHETIC EXAMPLE DATA."""

from dataclasses import dataclass
from datetime import date, timedelta

from oracle.invented_values import ANTIBODIES, draw_record

ORGANS = ("liver", "liver", "liver", "lung", "lymph_node", "lymph_node", "bone", "portal_vein")
BASELINE_MM = (8, 9, 9.9, 10, 14, 14.9, 15, 20, 25, 30, 50, 100)
NEW_MM = (5, 9, 9.9, 10, 12, 14, 14.9, 15, 30)
FACTORS = (0, 0.3, 0.5, 0.69, 0.7, 0.71, 0.9, 1, 1, 1.1, 1.19, 1.2, 1.21, 1.5)
BACK_MM = (0, 0, 0, 0, 1, 5, 9, 10, 12)
STEPS_MM = (-10, -5, -1, 0, 1, 4, 4.9, 5, 5.1, 10)
VISIT_DAYS = (13, 14, 27, 28, 41, 42, 62, 63, 77, 91, 105, 119, 120, 154, 155, 176, 183, 190, 211, 212, 270, 400)
TREATED_DAYS = (0, 30, 90, 91, 92, 92, 130, 300, 700)


BASELINE_DAYS = (-20, -14, -3, 0)
OLDER_DAYS = (-400, -60, -43, -42, -41, -30)


@dataclass
class Plan:
    """What one reader's records of a patient have in common; `days`: visit number -> day."""

    start: date
    reader: str
    days: dict
    cleared: int | None
    """From this visit on everything that was there is gone, until some of it comes back."""
    sizes_back: tuple
    trend: dict
    has_viable: bool


def draw_course(draw, start):
    """Records of treatment, lesion and response of one patient."""
    lesions, responses = [], []
    for reader in draw.one((["site"], ["site"], ["site", "A"], ["A", "B"], ["B"], [])):
        plan = _draw_plan(draw, start, reader)
        lesions += _draw_lesions(draw, plan)
        responses += _draw_responses(draw, plan)
    return {"treatment": _draw_treatment(draw, start), "lesion": lesions, "response": responses}


def state_progression(draw, outcome, tables, start):
    """Put the outcome table's progression near an image, or as near as still makes it a progression of its own."""
    images = [row["assessment_date"] for table in ("lesion", "response") for row in tables[table]]
    later = sorted({day for day in images if day is not None and day > start})
    if not later or draw.chance(0.6):
        return
    day = draw.one(later) + timedelta(days=draw.one((0, 0, 27, 28, 29, -27, -28, -29, 60)))
    if draw.chance(0.8):
        outcome["progression_date"] = day
    else:
        outcome.update(progression_date=None, progression_days=float((day - start).days))


def _draw_treatment(draw, start):
    drugs = [draw.one(("lenvatinib", "sorafenib")), draw.one(ANTIBODIES)]
    if draw.chance(0.25):
        drugs = draw.some(["lenvatinib", "sorafenib", "other", *ANTIBODIES], 0, 4)
    records = [_draw_drug(draw, start, 1, drug, draw.one((0, 0, 0, 1, 3, 28, 29))) for drug in drugs]
    for line in (2, 3):
        if draw.chance(0.25):
            records.append(_draw_drug(draw, start, line, draw.one(("sorafenib", "other")), draw.one((-5, 60, 200))))
    return records


def _draw_drug(draw, start, line, drug, delay):
    first = draw.maybe(start + timedelta(days=delay))
    last = None if draw.chance(0.3) else start + timedelta(days=draw.one(TREATED_DAYS))
    record = draw_record(
        draw, "treatment", start=start, line_number=line, drug=drug, start_date=first, end_date=draw.maybe(last)
    )
    if last is None and draw.chance(0.8):
        record["stop_reason"] = None
    return record


def _draw_plan(draw, start, reader):
    days = _draw_visits(draw)
    return Plan(
        start=start,
        reader=reader,
        days=days,
        cleared=next((visit for visit, day in days.items() if day > 0), None) if draw.chance(0.2) else None,
        sizes_back=draw.one(((0,), BACK_MM)),
        trend={visit: draw.one(FACTORS) for visit in days} if draw.chance(0.6) else {},
        has_viable=draw.chance(0.3),
    )


def _draw_visits(draw):
    """Visit number -> day; 0 is nearly always there, numbers have gaps, and some say another order than the days."""
    numbers = [0] * draw.chance(0.95) + sorted(draw.some([1, 2, 3, 4, 5, 7], 0, 4))
    days = sorted(draw.some(list(VISIT_DAYS), 6, 6))
    if draw.chance(0.2):
        draw.random.shuffle(days)
    visits = {n: draw.one(BASELINE_DAYS) if n == 0 else days[i % 6] for i, n in enumerate(numbers)}
    if draw.chance(0.1):
        visits[draw.one((0, 6))] = draw.one(OLDER_DAYS)  # only older images, or a baseline numbered behind a follow-up
    elif draw.chance(0.15):
        visits |= {0: draw.one(OLDER_DAYS), 1: draw.one(BASELINE_DAYS)}
    elif draw.chance(0.05):
        visits[0] = draw.one((1, 3, 70))
    return dict(sorted(visits.items(), key=lambda visit: visit[1]))


def _draw_lesions(draw, plan):
    """Each lesion with its own course; most visits list every lesion."""
    if draw.chance(0.2):
        return []
    roles = draw.one((("target",), ("target", "target", "target", "non_target")))
    roles += ("new",) * (1 if plan.cleared is not None else draw.one((0, 0, 0, 1, 2)))
    records = []
    for number in range(draw.one((1, 1, 2, 2, 3, 6, 8))):
        records += _draw_lesion(draw, plan, f"L{number}", draw.one(roles))
    if draw.chance(0.25):
        _split_or_merge(draw, records)
    return records


def _draw_lesion(draw, plan, name, role):
    after = [day for visit, day in plan.days.items() if day > 0 and visit != plan.cleared]
    is_new = role == "new" and bool(after) and draw.chance(0.95)
    first = draw.one(after) if is_new else min(plan.days.values(), default=0)
    organ = "lymph_node" if is_new and plan.cleared is not None and draw.chance(0.85) else draw.one(ORGANS)
    diameter, is_steady = float(draw.one(NEW_MM if is_new else BASELINE_MM)), draw.chance(0.3)
    is_doubted = is_new and plan.cleared is None and draw.chance(0.5)
    records = []
    for visit, day in plan.days.items():
        if day < first or draw.chance(0.04):
            continue
        diameter = _draw_diameter(draw, plan, visit, diameter, is_new=is_new, is_steady=is_steady)
        record = draw_record(
            draw, "lesion", start=plan.start, visit_number=visit, reader=plan.reader, lesion_id=name,
            assessment_date=draw.maybe(plan.start + timedelta(days=day + draw.one((0, 0, 0, 0, 2, 14)))),
            role=draw.maybe(role if draw.chance(0.95) else draw.one(("target", "non_target", "new"))),
            organ=draw.maybe(organ if draw.chance(0.97) else draw.one(ORGANS)),
            is_tace_treated=draw.maybe(draw.chance(0.1)),
            viable_diameter_mm=None, split_from_lesion_id=None, merged_into_lesion_id=None,
        )  # fmt: skip
        _draw_size(draw, record, diameter)
        if role == "non_target" and day > 0 and draw.chance(0.06):
            record["status"] = "progression"
        if is_doubted:
            record["status"] = "equivocal"
            is_doubted = draw.chance(0.4)
        if plan.has_viable and draw.chance(0.9):
            record["viable_diameter_mm"] = draw.maybe(round(diameter * draw.one((0, 0.5, 0.7, 1, 1.2)), 1))
        records.append(record)
    return records


def _draw_diameter(draw, plan, visit, before, *, is_new, is_steady):
    """The size at a visit from that before it, in tenths of a millimetre."""
    day, size = plan.days[visit], before
    if not is_new and plan.cleared is not None and day >= plan.days[plan.cleared]:
        return 0.0 if visit == plan.cleared else float(draw.one(plan.sizes_back))
    if day > 0 and is_steady:
        size = max(0.0, before + draw.one(STEPS_MM))
    elif day > 0 and not is_new and (plan.trend or draw.chance(0.7)):
        size = before * plan.trend.get(visit, draw.one(FACTORS))
    if size == 0 and plan.cleared is None and draw.chance(0.2):
        size = float(draw.one((1, 5, 9, 10, 12)))
    return round(size, 1)


def _split_or_merge(draw, records):
    """From one visit on a lesion is read in two parts, or as one with another."""
    if not records:
        return
    one, other = draw.one(records), draw.one(records)
    later = [row for row in records if row["lesion_id"] == one["lesion_id"] and row["visit_number"] > 0]
    if draw.chance(0.5):
        for row in later:
            parent = row["lesion_id"]
            fragment = {**row, "lesion_id": f"{parent}b", "split_from_lesion_id": parent}
            _draw_size(draw, fragment, float(draw.one((0, 5, 10, 20))))
            records.append(fragment)
    else:
        for row in later:
            host = draw.one((other["lesion_id"], other["lesion_id"], other["lesion_id"], "L9", None))
            row.update(status="merged", diameter_mm=None, merged_into_lesion_id=host)


def _draw_size(draw, record, diameter):
    """Status and diameter that mostly agree."""
    is_target = record["role"] == "target"
    is_measured = is_target or draw.chance(0.9 if record["role"] == "new" else 0.4)
    status = "absent" if diameter == 0 else "measured" if is_measured else "present"
    if draw.chance(0.08):
        status = draw.one(
            ("too_small", "not_assessed", "absent", "progression", "present", "measured", "equivocal", "merged")
        )
    has_diameter = status == "measured" or draw.chance(0.15)
    record.update(status=draw.maybe(status), diameter_mm=draw.maybe(diameter) if has_diameter else None)


def _draw_responses(draw, plan):
    """Readings with or without a sum, some visits without one, sometimes a second set of criteria."""
    records = []
    for criteria in draw.one((["recist_1_1"], ["recist_1_1"], ["recist_1_1", "mrecist"], ["mrecist"], [])):
        has_sums, has_days, has_flags = draw.chance(0.5), draw.chance(0.2), draw.chance(0.6)
        codes = draw.one((("CR", "PR", "SD", "SD", "PD", "NE"), ("PR", "SD", "PD"), (None,)))
        total = float(draw.one(BASELINE_MM))
        for visit, day in plan.days.items():
            if draw.chance(0.05):
                continue
            factor = 1 if day <= 0 else draw.one(FACTORS)
            total = round(total * factor if draw.chance(0.7) and total > 0 else max(0, total + draw.one(STEPS_MM)), 1)
            days = None if not has_days and draw.chance(0.9) else float(day + draw.one((0, 0, 0, 1)))
            recorded = "CR" if visit == plan.cleared and draw.chance(0.7) else draw.one(codes)
            read = plan.start + timedelta(days=day + draw.one((0, 0, 0, 0, 3)))
            records.append(
                draw_record(
                    draw, "response", start=plan.start, visit_number=visit, reader=plan.reader, criteria=criteria,
                    assessment_date=None if has_days and draw.chance(0.7) else draw.maybe(read),
                    assessment_days=days,
                    target_sum_mm=draw.maybe(total) if has_sums else None,
                    has_new_lesion=draw.maybe(draw.chance(0.1)) if has_flags else None,
                    recorded_response=None if day <= 0 and draw.chance(0.9) else draw.maybe(recorded),
                )
            )  # fmt: skip
    return records
