"""A whole hospital by the oracle: one row per patient, assessment and criterion, from the plain records alone."""

import math

from oracle.course_fact_oracle import list_at_baseline, make_course_facts
from oracle.definition_oracle_alternatives import make_alternatives
from oracle.definition_oracle_assessment import choose_reader, date_by_visit, make_assessments
from oracle.definition_oracle_baseline import (
    make_age,
    make_albi,
    make_child_pugh,
    make_levels,
    make_metastasis,
)
from oracle.definition_oracle_course import make_first_line, make_outcome
from oracle.definition_oracle_laboratory import make_laboratory, make_samples
from oracle.definition_oracle_lesions import UNSEEN
from oracle.definition_oracle_progression import select_follow_up
from oracle.definition_oracle_visits import describe_baseline_imaging, is_after_start
from oracle.hospitals import split_by_patient
from oracle.invented_texts import SIZE_MEANING
from oracle.invented_veins import VEIN_MEANING
from oracle.logic import all_of, any_of, at_most, below, negate

MONTHS_3_DAYS = 3 * 365.25 / 12
TEST_OF_TERM = {
    "alt_increased": "alt_u_l", "ast_increased": "ast_u_l", "bilirubin_increased": "bilirubin_umol_l",
    "platelets_decreased": "platelets_10e9_l",
}  # fmt: skip
AS_RECORDED = {
    "patient": (
        "hospital", "patient_id", "person_id", "source_row", "sex", "birth_date", "diagnosis_date", "tumour_type",
        "diagnosis_basis", "is_unresectable", "is_recurrent", "has_other_malignancy",
    ),
    "baseline": (
        "bclc_stage", "ecog_status", "has_extrahepatic_metastasis", "has_vena_cava_or_atrium_tumour", "tumour_number",
        "hbsag", "has_antiviral_therapy", "has_cirrhosis", "has_portal_vein_thrombosis", "has_portal_vein_thrombosis", "body_weight_kg", "ascites", "encephalopathy_grade",
    ),
}  # fmt: skip


def derive_by_oracle(hospital, sent, *, lists_every_new_lesion=False):
    """Each derived frame as rows by their key; `sent` are the tables that the hospital sends, with or without records.

    `lists_every_new_lesion`: the hospital has said so once, in its mapping.
    """
    subjects, assessments, laboratory, starts = {}, {}, {}, {}
    for name, own in split_by_patient(hospital).items():
        line = make_first_line(own["treatment"])
        assessed = make_assessments(
            name,
            own,
            line["first_line_start_date"],
            _count_existing_lesions(own),
            lists_every_new_lesion=lists_every_new_lesion,
        )
        baseline = own["baseline"][0] if own["baseline"] else {}
        samples = make_samples(own["laboratory"], baseline, line["first_line_start_date"])
        laboratory |= {(name, test): {"patient_id": name, **sample} for test, sample in samples.items()}
        subjects[name] = _make_subject(sent, own, line, samples, list(assessed.values()))
        assessments |= assessed
        starts[name] = line["first_line_start_date"]
    eligibility = {
        (patient, criterion): {
            "hospital": "h1",
            "patient_id": patient,
            "criterion_id": criterion,
            "criterion_order": order,
            "is_met": verdict,
        }
        for patient, facts in subjects.items()
        for order, (criterion, verdict) in enumerate(_judge_criteria(facts).items(), start=1)
    }
    return {
        "subject": subjects,
        "assessment": assessments,
        "eligibility": eligibility,
        "adverse_event_facts": make_event_facts(hospital, laboratory),
        "laboratory_facts": laboratory,
        "response_facts": make_response_facts(hospital),
        "lesion_facts": make_lesion_facts(hospital, starts),
        **make_course_facts(hospital),
    }


def _count_existing_lesions(own):
    """Tumours of the liver and metastases that the baseline counts; None where one of the two is not known."""
    baseline = own["baseline"][0] if own["baseline"] else {}
    tumours, metastases = baseline.get("tumour_number"), baseline.get("metastasis_site_number")
    if metastases is None:
        metastases = make_metastasis(own["metastasis"])["metastasis_lesion_number"]
    return None if None in (tumours, metastases) else tumours + metastases


def make_event_facts(hospital, baseline_samples):
    """Of every event graded by a value: the sample nearest to the onset (a tie: the worse), the worst, that of the baseline."""
    facts = {}
    for event in hospital["adverse_event"]:
        test = TEST_OF_TERM.get(event["term"])
        if test is None:
            continue
        samples = [
            row
            for row in hospital["laboratory"]
            if (row["patient_id"], row["test"]) == (event["patient_id"], test) and row["value"] is not None
        ]
        at_baseline = baseline_samples.get((event["patient_id"], test))
        facts[event["patient_id"], event["event_number"]] = {
            "patient_id": event["patient_id"],
            "event_number": event["event_number"],
            "sample_value": _exact_value(_find_nearest(samples, event["onset_date"])),
            "worst_value": _find_worst(samples, event),
            "baseline_value": at_baseline["baseline_sample_value"]
            if at_baseline and at_baseline["baseline_sample_comparator"] in (None, "=")
            else None,
            "has_next_event_within": any_of(
                *(
                    is_between(event["onset_date"], other["onset_date"], event["resolved_date"])
                    for other in hospital["adverse_event"]
                    if (other["patient_id"], other["term"]) == (event["patient_id"], event["term"])
                    and other["event_number"] != event["event_number"]
                )
            ),
        }
    return facts


def is_between(onset, next_onset, end):
    """Whether an onset lies after another and not after its end; None where a day is missing that would decide."""
    return all_of(below(onset, next_onset), at_most(next_onset, end))


def _find_nearest(samples, onset):
    near = [
        (abs((row["sample_date"] - onset).days), row)
        for row in samples
        if onset is not None and row["sample_date"] is not None and abs((row["sample_date"] - onset).days) <= 3
    ]
    sign = 1 if samples and samples[0]["test"] == "platelets_10e9_l" else -1
    return min(
        near,
        key=lambda found: (
            found[0],
            sign * found[1]["value"],
            found[1]["visit_number"],
            found[1]["repeat_number"],
        ),
        default=(0, None),
    )[1]


def _find_worst(samples, event):
    """The worst exact value from 3 days before the onset to the resolution, or to the last sample."""
    onset, end = event["onset_date"], event["resolved_date"]
    values = [
        row["value"]
        for row in samples
        if onset is not None
        and row["sample_date"] is not None
        and (row["sample_date"] - onset).days >= -3
        and (end is None or row["sample_date"] <= end)
        and _exact_value(row) is not None
    ]
    choose = min if event["term"] == "platelets_decreased" else max
    return choose(values, default=None)


def _exact_value(row):
    return row["value"] if row is not None and row["value_comparator"] in (None, "=") else None


def make_response_facts(hospital):
    """Of every visit and reader: the new lesions listed and seen."""
    facts = {}
    for row in hospital["lesion"]:
        key = (row["patient_id"], row["visit_number"], row["reader"])
        named = dict(zip(("patient_id", "visit_number", "reader"), key, strict=True))
        fact = facts.setdefault(key, named | {"listed_new_lesion_number": 0})
        days = [
            other["assessment_date"]
            for other in hospital["lesion"]
            if (other["patient_id"], other["visit_number"], other["reader"]) == key and other["assessment_date"]
        ]
        fact |= {"first_lesion_image_date": min(days, default=None), "last_lesion_image_date": max(days, default=None)}
        fact["listed_new_lesion_number"] += row["role"] == "new" and row["status"] not in (*UNSEEN, "equivocal")
    return facts


def make_lesion_facts(hospital, starts):
    """Of every lesion: whether its image is before therapy, the role of that with which it merged, whether its whole was there before."""
    facts = {}
    for patient, own in split_by_patient(hospital).items():
        for reader in {row["reader"] for row in own["lesion"]}:
            rows = [row for row in own["lesion"] if row["reader"] == reader]
            read = [row for row in own["response"] if (row["reader"], row["criteria"]) == (reader, "recist_1_1")]
            placed = date_by_visit(rows, read, starts[patient])
            wholes = {row["lesion_id"] for row in placed if not is_after_start(row, starts[patient])}
            roles = {(row["visit_number"], row["lesion_id"]): row["role"] for row in rows}
            for row in placed:
                key = (patient, row["visit_number"], reader, row["lesion_id"])
                facts[key] = dict(zip(("patient_id", "visit_number", "reader", "lesion_id"), key, strict=True)) | {
                    "is_before_start": not is_after_start(row, starts[patient]),
                    "merged_into_role": roles.get((row["visit_number"], row["merged_into_lesion_id"])),
                    "has_whole_at_baseline": True if row["split_from_lesion_id"] in wholes else None,
                }
    return facts


def _make_subject(sent, own, line, samples, assessed):
    """`sent`: the tables that the hospital sends at all; `own`: the patient's records by table."""
    patient = own["patient"][0]
    baseline = own["baseline"][0] if own["baseline"] else {}
    facts = {
        **{column: patient[column] for column in AS_RECORDED["patient"]},
        **{column: baseline.get(column) for column in AS_RECORDED["baseline"]},
        "stated_age_years": patient["age_years"],
        "age_at_start_years": make_age(patient["birth_date"], line["first_line_start_date"], patient["age_years"]),
        "recorded_child_pugh_class": baseline.get("child_pugh_class"),
        "has_baseline_record": bool(own["baseline"]) if "baseline" in sent else None,
        **line,
        **make_laboratory(samples),
        **make_metastasis(own["metastasis"]),
    }
    facts |= make_albi(facts) | make_child_pugh(facts, baseline)
    facts |= _make_tumour(baseline, facts) | _count_records(sent, own, baseline, line)
    facts |= _describe_baseline_lesions(own)
    readings = select_follow_up(assessed)
    facts |= make_outcome(own["outcome"][0] if own["outcome"] else None, own["treatment"], line, readings)
    facts |= make_alternatives(facts, readings, assessed)
    facts["has_outcome_record"] = bool(own["outcome"]) if "outcome" in sent else None
    facts |= _describe_imaging(own, assessed, line["first_line_start_date"])
    if not sent & {"lesion", "response"}:
        facts |= {"has_baseline_imaging": None, "follow_up_assessment_number": None}
    if "metastasis" not in sent:
        facts["metastasis_organ_number"] = None
    return facts | make_levels(facts)


def _describe_imaging(own, assessed, start):
    """Baseline images of the counted reader, and the number of his assessments after them."""
    reader = choose_reader({row["reader"] for row in assessed if row["criteria"] == "recist_1_1"})
    lesions = [row for row in own["lesion"] if row["reader"] == reader]
    responses = [row for row in own["response"] if (row["reader"], row["criteria"]) == (reader, "recist_1_1")]
    lesions = date_by_visit(lesions, responses, start)
    return describe_baseline_imaging(lesions, responses, start) | {
        "follow_up_assessment_number": len(select_follow_up(assessed))
    }


def _make_tumour(baseline, facts):
    """Size, number of metastases, portal vein and portal hypertension, from the best source there is."""
    size, number = SIZE_MEANING.get(baseline.get("tumour_size_text"), (None, None))
    text_type, cava, hepatic, other = VEIN_MEANING.get(baseline.get("pvtt_text"), (None,) * 4)
    hvpg, sent_size = baseline.get("hvpg_mmhg"), baseline.get("tumour_size_cm")
    sites = baseline.get("metastasis_site_number")
    return {
        "tumour_size_from_number_or_text_cm": size if sent_size is None else sent_size,
        "tumour_size_text_cm": size,
        "tumour_size_text_number": number,
        "pvtt_text_type": text_type,
        "vena_cava_or_atrium_text": cava,
        "hepatic_vein_text": hepatic,
        "other_vein_text": other,
        "pvtt_type_from_text_or_code": baseline.get("pvtt_type") if text_type is None else text_type,
        "metastasis_site_number_from_total_or_organs": facts["metastasis_lesion_number"] if sites is None else sites,
        "has_portal_hypertension_from_hvpg_or_flag": baseline.get("has_portal_hypertension")
        if hvpg is None
        else hvpg > 10,
    }


def _count_records(sent, own, baseline, line):
    """Counts are 0 where the hospital sends such records and None where it sends none at all."""
    start, next_line = line["first_line_start_date"], line["next_line_start_date"]
    tace = [row for row in own["procedure"] if row["procedure"] == "tace"]
    has_tace = baseline.get("has_tace")
    combined = [row for row in tace if goes_with_therapy(row["procedure_date"], start, next_line)]
    cures = [r["procedure_date"] for r in own["procedure"] if r["procedure"] in ("resection", "ablation")]
    cures = [date for date in cures if date is not None]
    counts = {
        f"{table}_number": len(own[table]) if table in sent else None
        for table in ("adverse_event", "laboratory", "treatment")
    }
    return {
        **counts,
        "tace_number": len(tace) if "procedure" in sent else None,
        "combined_tace_number": len(combined) if "procedure" in sent else None,
        "first_curative_date": min(cures, default=None),
        "first_tace_date": min((r["procedure_date"] for r in tace if r["procedure_date"] is not None), default=None),
        "has_tace_with_therapy": _decide_tace(has_tace, tace, combined),
    }


def _decide_tace(stated, listed, combined):
    """What is stated, unless all that is listed is of another time; where nothing is, what is listed."""
    if stated and listed and not combined:
        return False
    return stated if stated is not None else True if combined else None


def goes_with_therapy(procedure_date, start, next_line):
    """A TACE from day -90 to day 91 of the therapy and before a later line, or of a time that is not known."""
    if procedure_date is None:
        return True
    is_in_window = start is None or -90 <= (procedure_date - start).days <= 91
    return is_in_window and (next_line is None or procedure_date < next_line)


def _describe_baseline_lesions(own):
    """Liver lesions by the most cautious reader, and organs that the list of metastases lacks."""
    seen = list_at_baseline(own)
    by_reader = {row["reader"]: [] for row in seen}
    for row in seen:
        if row["organ"] == "liver":
            by_reader[row["reader"]].append(row["diameter_mm"])
    largest = [max((d for d in sizes if d is not None), default=None) for sizes in by_reader.values()]
    organs = {row["organ"] for row in seen} - {"liver", "portal_vein", None}
    listed = {row["organ"] for row in own["metastasis"]}
    return {
        "baseline_liver_lesion_number": min((len(sizes) for sizes in by_reader.values()), default=None),
        "baseline_liver_diameter_mm": min((d for d in largest if d is not None), default=None),
        "unmeasured_liver_lesion_number": max((sizes.count(None) for sizes in by_reader.values()), default=None),
        "unlisted_metastasis_organ_number": len(organs - listed) if organs and listed else None,
    }


def _judge_vena_cava(facts):
    """E3: as recorded; a text that affirms against a recorded "no" leaves it unknown."""
    is_recorded = facts["has_vena_cava_or_atrium_tumour"]
    if is_recorded is False and facts["vena_cava_or_atrium_text"] == "affirmed":
        return None
    return negate(is_recorded)


def _judge_criteria(facts):
    """The protocol's steps in the order of the flow chart; None is unknown and leads to E4."""

    def holds(name, test):
        return None if facts[name] is None else test(facts[name])

    steps = {
        "i1_primary_unresectable_hcc": all_of(
            facts["is_unresectable"],
            holds("tumour_type", lambda v: v == "hcc"),
            holds("diagnosis_basis", lambda v: v in ("histology", "clinical_aasld")),
        ),
        "i2_bclc_c_with_metastasis": all_of(
            holds("bclc_stage", lambda v: v == "C"), facts["has_extrahepatic_metastasis"]
        ),
        "i3_liver_function_and_ecog": all_of(
            holds("child_pugh_class_from_points_or_record", lambda v: v != "C"), holds("ecog_status", lambda v: v == 0)
        ),
        "i4_no_other_malignancy": negate(facts["has_other_malignancy"]),
        "e1_not_recurrent": negate(facts["is_recurrent"]),
        "e2_age_18_to_75": holds("age_at_start_years", lambda v: 18 <= math.floor(v) <= 75),
        "e3_no_vena_cava_or_atrium_tumour": _judge_vena_cava(facts),
        "e4_complete_data": None,
        "e5_followed_3_months": any_of(facts["is_dead"], holds("last_contact_days", lambda v: v >= MONTHS_3_DAYS)),
        "x1_treated_3_months": holds("treatment_days", lambda v: v >= MONTHS_3_DAYS),
        "arm_is_compared": holds("arm", lambda v: v in ("sora_pd1", "len_pd1")),
        "start_in_enrolment_window": holds(
            "first_line_start_date", lambda v: "2019-01-01" <= v.isoformat() <= "2021-12-31"
        ),
    }
    needed = [facts[name] for name in facts if name.endswith("_level")]
    assert len(needed) == 17
    needed += [facts[name] for name in ("arm", "first_line_start_date", "last_contact_days", "is_dead")]
    needed += [verdict for name, verdict in steps.items() if name != "e4_complete_data"]
    steps["e4_complete_data"] = None not in needed and facts["has_baseline_imaging"] is True
    return steps
