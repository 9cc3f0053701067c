"""Lines of therapy, lesions and readings of an invented patient. SYNTHETIC EXAMPLE DATA."""

from datetime import timedelta

from oracle.invented_values import ANTIBODIES, draw_record

ORGANS = ("liver", "liver", "liver", "lung", "lymph_node", "lymph_node", "bone", "portal_vein")
BASELINE_MM = (8, 9.9, 10, 14.9, 15, 20, 25, 30, 50, 100)
FACTORS = (0, 0.3, 0.5, 0.69, 0.7, 0.71, 0.9, 1, 1, 1.1, 1.19, 1.2, 1.21, 1.5)
STEPS_MM = (-10, -5, -1, 0, 1, 4, 4.9, 5, 5.1, 10)
VISIT_DAYS = (13, 14, 27, 28, 41, 42, 62, 63, 77, 91, 105, 119, 120, 154, 155, 176, 183, 190, 211, 212, 270, 400)
TREATED_DAYS = (0, 30, 90, 91, 92, 92, 130, 300, 700)


def draw_course(draw, start):
    """Records of treatment, lesion and response of one patient."""
    lesions, responses = [], []
    for reader in draw.one((["site"], ["site"], ["site", "A"], ["A", "B"], ["B"], [])):
        visits = _draw_visits(draw, start)
        lesions += _draw_lesions(draw, start, reader, visits)
        responses += _draw_responses(draw, start, reader, visits)
    return {"treatment": _draw_treatment(draw, start), "lesion": lesions, "response": responses}


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


def _draw_visits(draw, start):
    """Visit number -> day; 0 is nearly always there, numbers have gaps, days seldom run backwards."""
    numbers = [0] * draw.chance(0.95) + sorted(draw.some([1, 2, 3, 4, 5, 7], 0, 4))
    days = sorted(draw.some(list(VISIT_DAYS), 6, 6))
    if draw.chance(0.1):
        draw.random.shuffle(days)
    return {n: draw.one((-20, -14, -3, 0)) if n == 0 else days[i % 6] for i, n in enumerate(numbers)}


def _draw_lesions(draw, start, reader, visits):
    """Each lesion with its own course; most visits list every lesion."""
    if draw.chance(0.2):
        return []
    is_mrecist = draw.chance(0.3)
    trend = {visit: draw.one(FACTORS) for visit in visits} if draw.chance(0.6) else {}
    roles = ("target", "target", "target", "non_target") + ("new",) * draw.chance(0.3)
    records = []
    for number in range(draw.one((1, 1, 2, 2, 3, 6))):
        records += _draw_lesion(draw, start, reader, visits, f"L{number}", draw.one(roles), trend, is_mrecist)
    return records


def _draw_lesion(draw, start, reader, visits, name, role, trend, is_mrecist):
    organ = draw.one(ORGANS)
    first = draw.one([n for n in visits if n > 0] or [0]) if role == "new" else 0
    diameter, is_steady = float(draw.one(BASELINE_MM)), draw.chance(0.3)
    records = []
    for visit, day in visits.items():
        if visit < first or draw.chance(0.04):
            continue
        if visit > 0 and is_steady:
            diameter = max(0.0, diameter + draw.one(STEPS_MM))
        elif visit > 0 and (trend or draw.chance(0.7)):
            diameter = round(diameter * trend.get(visit, draw.one(FACTORS)), 1)
        if diameter == 0 and draw.chance(0.1):
            diameter = float(draw.one((1, 5, 10, 12)))
        record = draw_record(
            draw, "lesion", start=start, visit_number=visit, reader=reader, lesion_id=name,
            assessment_date=draw.maybe(start + timedelta(days=day + draw.one((0, 0, 0, 2)))),
            role=draw.maybe(role if draw.chance(0.95) else draw.one(("target", "non_target", "new"))),
            organ=draw.maybe(organ if draw.chance(0.97) else draw.one(ORGANS)),
            viable_diameter_mm=None,
        )  # fmt: skip
        _draw_size(draw, record, round(diameter, 1))
        if is_mrecist and draw.chance(0.9):
            record["viable_diameter_mm"] = draw.maybe(round(diameter * draw.one((0, 0.5, 0.7, 1, 1.2)), 1))
        records.append(record)
    return records


def _draw_size(draw, record, diameter):
    """Status and diameter that mostly agree."""
    is_target = record["role"] == "target"
    status = "absent" if diameter == 0 else "measured" if is_target or draw.chance(0.4) else "present"
    if draw.chance(0.08):
        status = draw.one(("too_small", "not_assessed", "absent", "progression", "present", "measured"))
    has_diameter = status == "measured" or draw.chance(0.15)
    record.update(status=draw.maybe(status), diameter_mm=draw.maybe(diameter) if has_diameter else None)


def _draw_responses(draw, start, reader, visits):
    """Readings with or without a sum, some visits without one, sometimes a second set of criteria."""
    records = []
    for criteria in draw.one((["recist_1_1"], ["recist_1_1"], ["recist_1_1", "mrecist"], ["mrecist"], [])):
        has_sums, has_days = draw.chance(0.5), draw.chance(0.2)
        total = float(draw.one(BASELINE_MM))
        for visit, day in visits.items():
            if draw.chance(0.05):
                continue
            factor = 1 if visit == 0 else draw.one(FACTORS)
            total = round(total * factor if draw.chance(0.7) and total > 0 else max(0, total + draw.one(STEPS_MM)), 1)
            days = None if not has_days and draw.chance(0.9) else float(day + draw.one((0, 0, 0, 1)))
            records.append(
                draw_record(
                    draw, "response", start=start, visit_number=visit, reader=reader, criteria=criteria,
                    assessment_date=None if has_days and draw.chance(0.7) else draw.maybe(start + timedelta(days=day)),
                    assessment_days=days,
                    target_sum_mm=draw.maybe(total) if has_sums else None,
                    has_new_lesion=draw.maybe(draw.chance(0.1)),
                    recorded_response=None if visit == 0 and draw.chance(0.9) else draw.maybe(
                        draw.one(("CR", "PR", "SD", "SD", "PD", "NE"))),
                )
            )  # fmt: skip
    return records
