"""Every column of the derived frames: its type and what it means.

The data dictionary prints them, the store declares its tables by them, and `derive` is held to them in every ingest.

"Visit 0" is the baseline. Days run from the start of systemic therapy. A count of records is empty where the hospital
sends no records of that kind at all.
"""

from __future__ import annotations

import polars as pl

from schemas.column import Column
from schemas.fact_columns import FACT_COLUMNS

MONTH_DATES = {"patient_id": pl.String, "table_name": pl.String, "field": pl.String}
"""What `derive` is told of dates of which only the month is known."""

SUBJECT_COLUMNS: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital that sent the patient"),
    "patient_id": Column(pl.String, "pseudonym of the patient in this hospital"),
    "person_id": Column(pl.String, "pseudonym of the person across hospitals"),
    "source_row": Column(pl.Int64, "row of the patient record"),
    "sex": Column(pl.String, "sex as recorded"),
    "birth_date": Column(pl.Date, "date of birth"),
    "diagnosis_date": Column(pl.Date, "first diagnosis of the liver tumour"),
    "tumour_type": Column(pl.String, "type of the primary tumour (I1)"),
    "diagnosis_basis": Column(pl.String, "basis of the diagnosis (I1)"),
    "is_unresectable": Column(pl.Boolean, "judged unresectable (I1)"),
    "is_recurrent": Column(pl.Boolean, "recurrent carcinoma (E1)"),
    "has_other_malignancy": Column(pl.Boolean, "history of another malignancy (I4)"),
    "stated_age_years": Column(pl.Float64, "age as the hospital states it"),
    "age_at_start_years": Column(pl.Int64, "completed years at the start from the birth date, else the stated age"),
    "arm": Column(pl.String, "first-line combination: sora_pd1, len_pd1, other; empty without a line 1"),
    "targeted_drug": Column(pl.String, "kinase inhibitor of line 1, the first started"),
    "pd1_drug": Column(pl.String, "PD-1 inhibitor of line 1, the first started"),
    "first_line_start_date": Column(
        pl.Date, "time zero: earliest first dose of line 1; empty where a drug of it has none"
    ),
    "treatment_end_date": Column(pl.Date, "last dose of line 1's last drug; empty while one goes on or lacks its date"),
    "month_date_number": Column(
        pl.Int64, "dates of the patient of which only month and year are known: the middle of the month stands in"
    ),
    "is_treatment_ongoing": Column(pl.Boolean, "a drug of line 1 has neither end date nor reason for stopping"),
    "kinase_inhibitor_number": Column(pl.Int64, "kinase inhibitors in line 1"),
    "pd1_drug_number": Column(pl.Int64, "PD-1 inhibitors in line 1"),
    "further_drug_number": Column(pl.Int64, "drugs in line 1 of neither class"),
    "pd1_start_date": Column(pl.Date, "first dose of line 1's first PD-1 inhibitor; empty where one of them has none"),
    "is_begun_together": Column(
        pl.Boolean,
        "line 1's first PD-1 inhibitor and its only kinase inhibitor began within 28 days; empty where a day is missing",
    ),
    "is_given_together": Column(
        pl.Boolean,
        "a PD-1 inhibitor of line 1, begun within 28 days of its only kinase inhibitor, was given at one time with it (an infusion covers 21 "
        "days); empty where a day is missing that would decide",
    ),
    "has_pd1_drugs_at_once": Column(
        pl.Boolean,
        "a PD-1 inhibitor of line 1 began while another was still given; empty where a day is missing that would decide",
    ),
    "next_line_start_date": Column(pl.Date, "first dose of any later line (new anticancer therapy)"),
    "bclc_stage": Column(pl.String, "BCLC stage as recorded"),
    "ecog_status": Column(pl.Int64, "ECOG performance status"),
    "has_extrahepatic_metastasis": Column(pl.Boolean, "extrahepatic metastasis as recorded (I2)"),
    "has_vena_cava_or_atrium_tumour": Column(pl.Boolean, "tumour in the vena cava or the atrium (E3)"),
    "tumour_size_from_number_or_text_cm": Column(
        pl.Float64, "largest diameter of the liver lesions, cm: the number sent, else the text's"
    ),
    "tumour_size_text_cm": Column(
        pl.Float64, "largest diameter in the hospital's words, cm; empty where they are not wholly understood"
    ),
    "tumour_size_text_number": Column(
        pl.Int64, "lesions listed in the hospital's words; empty with a range such as 0.3~0.7"
    ),
    "tumour_number": Column(pl.Int64, "number of liver lesions"),
    "metastasis_site_number_from_total_or_organs": Column(
        pl.Int64, "number of metastatic lesions; where empty, the sum over the organs"
    ),
    "hbsag": Column(pl.String, "hepatitis B surface antigen"),
    "has_antiviral_therapy": Column(pl.Boolean, "antiviral therapy against hepatitis B"),
    "has_cirrhosis": Column(pl.Boolean, "cirrhosis"),
    "has_portal_vein_thrombosis": Column(pl.Boolean, "portal vein thrombosis as recorded, bland or tumour"),
    "has_tace_with_therapy": Column(
        pl.Boolean,
        "TACE with the therapy as recorded, false where every TACE listed is of another time; where empty, true if such a TACE is listed",
    ),
    "body_weight_kg": Column(pl.Float64, "body weight, kg"),
    "ascites": Column(pl.String, "ascites"),
    "encephalopathy_grade": Column(pl.Int64, "hepatic encephalopathy, West Haven grade"),
    "recorded_child_pugh_class": Column(pl.String, "Child-Pugh class as recorded"),
    "child_pugh_points": Column(
        pl.Int64,
        "points where all five components have points: INR, else prothrombin time; also of a bound that leaves only one open",
    ),
    "child_pugh_class_from_points_or_record": Column(
        pl.String, "class from the points; where a component is missing, as recorded, unless the others exclude it"
    ),
    "child_pugh_class_source": Column(pl.String, "derived or recorded"),
    "pvtt_text_type": Column(pl.String, "Cheng's type read from the description; empty where it is not readable"),
    "vena_cava_or_atrium_text": Column(
        pl.String,
        "tumour thrombus in vena cava or atrium in the description: affirmed, denied, uncertain; empty: not named",
    ),
    "hepatic_vein_text": Column(pl.String, "the same of the hepatic veins"),
    "other_vein_text": Column(pl.String, "the same of other veins, such as the splenic or a renal vein"),
    "pvtt_type_from_text_or_code": Column(pl.String, "Cheng's type from the description, else the hospital's code"),
    "has_portal_hypertension_from_hvpg_or_flag": Column(pl.Boolean, "HVPG above 10 mmHg, else the hospital's flag"),
    "has_baseline_record": Column(pl.Boolean, "a baseline record is there"),
    "alt_u_l": Column(pl.Float64, "ALT at the baseline, U/L"),
    "alt_comparator": Column(pl.String, "sign of the ALT"),
    "ast_u_l": Column(pl.Float64, "AST at the baseline, U/L"),
    "ast_comparator": Column(pl.String, "sign of the AST"),
    "bilirubin_umol_l": Column(pl.Float64, "bilirubin at the baseline, umol/L"),
    "bilirubin_comparator": Column(pl.String, "sign of the bilirubin"),
    "albumin_g_l": Column(pl.Float64, "albumin at the baseline, g/L"),
    "albumin_comparator": Column(pl.String, "sign of the albumin"),
    "afp_ng_ml": Column(pl.Float64, "AFP at the baseline, ng/mL; 0 where not detected"),
    "afp_comparator": Column(pl.String, "sign of the AFP"),
    "hbv_dna_iu_ml": Column(pl.Float64, "HBV DNA at the baseline, IU/mL; 0 where not detected"),
    "hbv_dna_comparator": Column(pl.String, "sign of the HBV DNA"),
    "hbv_dna_copies_ml": Column(pl.Float64, "HBV DNA at the baseline, copies/mL; 0 where not detected"),
    "hbv_dna_copies_comparator": Column(pl.String, "sign of the HBV DNA in copies/mL"),
    "inr": Column(pl.Float64, "INR at the baseline"),
    "inr_comparator": Column(pl.String, "sign of the INR"),
    "pt_prolongation_s": Column(pl.Float64, "prolongation of the prothrombin time at the baseline, s"),
    "pt_prolongation_comparator": Column(pl.String, "sign of the prolongation"),
    "platelets_10e9_l": Column(pl.Float64, "platelets at the baseline, 10^9/L"),
    "platelets_comparator": Column(pl.String, "sign of the platelets"),
    "creatinine_umol_l": Column(pl.Float64, "creatinine at the baseline, umol/L"),
    "creatinine_comparator": Column(pl.String, "sign of the creatinine"),
    "albi_score": Column(pl.Float64, "ALBI score; empty where bilirubin or albumin is only a bound"),
    "albi_grade": Column(pl.Int64, "ALBI grade 1-3, also of a bound that leaves only one grade open"),
    "metastasis_organs": Column(pl.String, "lung, other, or lung_other"),
    "metastasis_organ_number": Column(pl.Int64, "extrahepatic organs listed"),
    "metastasis_lesion_number": Column(pl.Int64, "sum of the lesions listed by organ; empty where one is missing"),
    "first_tace_date": Column(pl.Date, "first TACE listed"),
    "tace_number": Column(pl.Int64, "TACE procedures listed"),
    "combined_tace_number": Column(
        pl.Int64, "TACE procedures from 90 days before to 91 days after the start of therapy, before a later line"
    ),
    "first_curative_date": Column(pl.Date, "first resection or ablation listed"),
    "age_level": Column(pl.String, "age, Table 1"),
    "sex_level": Column(pl.String, "sex, Table 1"),
    "alt_level": Column(pl.String, "ALT, Table 1"),
    "ast_level": Column(pl.String, "AST, Table 1"),
    "tace_level": Column(pl.String, "TACE, Table 1"),
    "tumour_size_level": Column(pl.String, "tumour size, Table 1"),
    "tumour_number_level": Column(pl.String, "tumour number, Table 1"),
    "afp_level": Column(pl.String, "AFP, Table 1"),
    "pvtt_level": Column(pl.String, "PVTT type, Table 1"),
    "albi_level": Column(pl.String, "ALBI grade, Table 1"),
    "metastasis_organs_level": Column(pl.String, "metastasis organs, Table 1"),
    "metastasis_sites_level": Column(pl.String, "metastasis sites, Table 1"),
    "hbsag_level": Column(pl.String, "HBsAg, Table 1"),
    "hbv_dna_level": Column(
        pl.String,
        "HBV DNA, Table 1: IU/mL, else copies/mL where 5 to 6 per IU fall on one side; HBsAg-negative without a measurement is <=2000",
    ),
    "antiviral_level": Column(pl.String, "antiviral therapy, Table 1"),
    "cirrhosis_level": Column(pl.String, "cirrhosis, Table 1"),
    "portal_hypertension_level": Column(pl.String, "portal hypertension, Table 1"),
    "last_contact_or_death_date": Column(pl.Date, "last contact; of a dead patient without one, the date of death"),
    "death_date": Column(pl.Date, "date of death as recorded"),
    "has_progressed": Column(pl.Boolean, "progression as recorded"),
    "progression_date": Column(pl.Date, "date of progression as recorded"),
    "progression_basis": Column(pl.String, "what the recorded progression was seen by: imaging or clinical"),
    "is_progression_undated": Column(pl.Boolean, "there is a progression, and its day is not known: no PFS"),
    "overall_survival_days": Column(pl.Float64, "survival as sent in days"),
    "recorded_progression_days": Column(pl.Float64, "time to progression or censoring as sent in days"),
    "is_dead": Column(pl.Boolean, "recorded as dead; a date of death alone changes nothing but raises a query"),
    "has_outcome_record": Column(pl.Boolean, "an outcome record is there"),
    "has_baseline_imaging": Column(pl.Boolean, "an image on or before day 0 is there"),
    "baseline_imaging_date": Column(
        pl.Date,
        "earliest of the images that make the baseline (each lesion's last from day -42 to day 0), else the last before",
    ),
    "follow_up_assessment_number": Column(pl.Int64, "assessments after day 0"),
    "last_objective_response_date": Column(pl.Date, "images of the last CR or PR that is recorded"),
    "last_adequate_assessment_days": Column(pl.Float64, "day of the last assessment that is not NE"),
    "derived_progression_date": Column(
        pl.Date, "first image that shows a PD by lesions or sums; empty where the first visit that does has no date"
    ),
    "derived_progression_days": Column(pl.Float64, "its day"),
    "derived_progression_source": Column(
        pl.String, "what shows it: complete_list, or of an incomplete one targets, non_targets, new_lesion, target_sum"
    ),
    "read_progression_date": Column(
        pl.Date, "first recorded PD that is not derived and that no complete list sets aside"
    ),
    "read_progression_days": Column(pl.Float64, "its day"),
    "is_outcome_progression_set_aside": Column(
        pl.Boolean, "the outcome's progression is far from any image of one, and the next complete list shows none"
    ),
    "time_source": Column(pl.String, "dates or durations"),
    "last_contact_days": Column(pl.Float64, "day of the last contact, not cut at the close"),
    "close_days": Column(pl.Float64, "day of the close of follow-up, 2022-10-31"),
    "treatment_days": Column(
        pl.Float64, "first dose to last dose of line 1, to the last contact while it goes on; at most to the close"
    ),
    "treatment_months": Column(pl.Float64, "the same in months of 365.25 / 12 days"),
    "death_days": Column(pl.Float64, "day of death; without a date, of the last contact"),
    "is_progression_derived": Column(pl.Boolean, "lesions or sums show PD"),
    "first_progression_date": Column(
        pl.Date, "first progression: the earliest of derived PD, recorded PD that stands, and the outcome's"
    ),
    "first_progression_days": Column(pl.Float64, "its day"),
    "first_progression_source": Column(
        pl.String,
        "what it rests on: complete_list, targets, non_targets, new_lesion, target_sum, recorded_response, outcome or clinical",
    ),
    "os_days": Column(pl.Float64, "overall survival, censored at the last contact or the close"),
    "os_event": Column(pl.Boolean, "death by the close"),
    "pfs_days": Column(pl.Float64, "progression-free survival: first progression or death; else as OS"),
    "pfs_event": Column(pl.Boolean, "progression or death by the close"),
    "pfs_progression_only_event": Column(
        pl.Boolean,
        "progression by the close; a death without one ends `pfs_days` and is no event (the study's wording)",
    ),
    "pfs_last_assessment_days": Column(
        pl.Float64, "as `pfs_days`; without an event the last adequate assessment, else day 1"
    ),
    "pfs_two_missed_days": Column(
        pl.Float64, "as `pfs_days`; the last adequate assessment before an event that comes more than 112 days after it"
    ),
    "pfs_two_missed_event": Column(pl.Boolean, "as `pfs_event`; no event where it comes so late"),
    "pfs_new_therapy_days": Column(
        pl.Float64,
        "as `pfs_days`; the last adequate assessment up to a later line that starts before it; empty where that line lacks a first dose",
    ),
    "pfs_new_therapy_event": Column(
        pl.Boolean, "as `pfs_event`; no event after the start of a later line; empty likewise"
    ),
    "pfs_images_only_days": Column(
        pl.Float64,
        "as `pfs_days`; of the progressions only those that lesions or sums show; empty where the first has no day",
    ),
    "pfs_images_only_event": Column(pl.Boolean, "as `pfs_event`, likewise"),
    "pfs_recorded_only_days": Column(
        pl.Float64, "as `pfs_days`; of the progressions only recorded responses; empty where the first has no day"
    ),
    "pfs_recorded_only_event": Column(pl.Boolean, "as `pfs_event`, likewise"),
    "pfs_mrecist_days": Column(pl.Float64, "as `pfs_days`; by mRECIST of who is read by it"),
    "pfs_mrecist_event": Column(pl.Boolean, "as `pfs_event`, likewise"),
    "response_3_months": Column(pl.String, "evaluable response nearest day 91 within days 63-119"),
    "response_3_months_source": Column(pl.String, "what it rests on: the assessment's, the progression's, or death"),
    "response_3_months_ongoing": Column(pl.String, "the same, SD after a PR counted as the PR that goes on"),
    "response_3_months_mrecist": Column(pl.String, "the same, by mRECIST of who is read by it"),
    "response_6_months": Column(pl.String, "evaluable response nearest day 183 within days 155-211"),
    "response_6_months_source": Column(pl.String, "what it rests on: the assessment's, the progression's, or death"),
    "response_6_months_ongoing": Column(pl.String, "the same, SD after a PR counted as the PR that goes on"),
    "response_6_months_mrecist": Column(pl.String, "the same, by mRECIST of who is read by it"),
    "best_response": Column(pl.String, "best response up to the first PD"),
    "best_response_confirmed": Column(pl.String, "the same, CR and PR confirmed after 28 days, SD seen from day 42 on"),
    "first_response_days": Column(pl.Float64, "day of the first CR or PR up to the first PD"),
    "best_change_percent": Column(
        pl.Float64, "smallest sum of the targets up to the first PD against the baseline's, %; negative: smaller"
    ),
    "adverse_event_number": Column(pl.Int64, "adverse events listed"),
    "laboratory_number": Column(pl.Int64, "laboratory values listed"),
    "treatment_number": Column(pl.Int64, "treatments listed"),
    "baseline_liver_lesion_number": Column(
        pl.Int64, "liver lesions listed at the baseline: seen on the last image up to day 0 (the reader with fewest)"
    ),
    "baseline_liver_diameter_mm": Column(pl.Float64, "largest of them, mm"),
    "unmeasured_liver_lesion_number": Column(pl.Int64, "of them those without a diameter (the reader with most)"),
    "unlisted_metastasis_organ_number": Column(
        pl.Int64, "extrahepatic organs with a lesion at the baseline that the organ list lacks"
    ),
}

ASSESSMENT_COLUMNS: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital"),
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "visit_number": Column(pl.Int64, "visit; 0 is the baseline"),
    "reader": Column(pl.String, "reader"),
    "criteria": Column(pl.String, "recist_1_1 or mrecist"),
    "visit_position": Column(pl.Int64, "place of the visit in the reader's series by day, from 0"),
    "is_follow_up": Column(pl.Boolean, "images after day 0; before it, or at an undated visit 0, the baseline"),
    "imaging_date": Column(pl.Date, "earliest images of the visit"),
    "imaging_days": Column(pl.Float64, "their day from the start; where a date is missing, as sent"),
    "target_sum_from_lesions_or_record_mm": Column(
        pl.Float64, "sum of the targets, mm: of the lesions listed, else as recorded; empty where one was not assessed"
    ),
    "nadir_sum_mm": Column(pl.Float64, "smallest sum before this visit, the baseline included, mm"),
    "baseline_sum_mm": Column(pl.Float64, "sum of the baseline (each target's last image from day -42 to day 0), mm"),
    "target_response": Column(pl.String, "response of the targets; empty without targets"),
    "non_target_response": Column(pl.String, "response of the non-targets; empty without any"),
    "has_new_lesion_listed_or_recorded": Column(pl.Boolean, "a new lesion is listed or recorded; empty: not known"),
    "treated_target_number": Column(pl.Int64, "targets that were resected, ablated or irradiated before"),
    "is_complete_list": Column(pl.Boolean, "targets, non-targets and new lesions are known"),
    "is_refuting_list": Column(
        pl.Boolean,
        "complete, every target and non-target assessed, and no sign of progression: a PD recorded there is set aside",
    ),
    "derived_response": Column(
        pl.String,
        "overall response of a complete list, PD also of an incomplete one; empty before day 0 and where it does not follow",
    ),
    "recorded_response": Column(pl.String, "overall response as recorded"),
    "recorded_response_before": Column(pl.String, "the last response recorded before this visit"),
    "is_recorded_set_aside": Column(pl.Boolean, "a PD is recorded, and the complete list of the visit shows none"),
    "has_lesions": Column(pl.Boolean, "lesions of the visit are listed"),
    "has_response_record": Column(pl.Boolean, "a response record of the visit is there"),
    "unlisted_target_number": Column(
        pl.Int64, "targets of the baseline without a record at this visit; empty without lesions"
    ),
    "assessment_gap_days": Column(pl.Float64, "days since the reader's visit before"),
    "has_partial_response_before": Column(
        pl.Boolean, "an earlier visit gives PR, or its targets do where no overall response is derived"
    ),
    "has_progressed_before": Column(pl.Boolean, "an earlier visit gives PD, or PD is recorded there"),
    "response": Column(
        pl.String,
        "the response that counts: a PD, else that of a complete list, else the recorded one, else that of the targets",
    ),
    "response_source": Column(
        pl.String, "what it rests on: complete_list, targets, non_targets, new_lesion, target_sum or recorded_response"
    ),
    "imaging_progression_date": Column(pl.Date, "of a PD: the earliest image that suffices to show it"),
    "imaging_progression_days": Column(pl.Float64, "its day"),
    "reader_has_baseline_imaging": Column(pl.Boolean, "the reader has an image on or before day 0"),
    "reader_baseline_imaging_date": Column(pl.Date, "earliest of the images that make the reader's baseline"),
    "is_counted": Column(
        pl.Boolean, "the patient's responses follow this reading: recist_1_1, reader `site`, else the first by name"
    ),
}

ELIGIBILITY_COLUMNS: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital"),
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "criterion_id": Column(pl.String, "criterion (rule catalogue)"),
    "criterion_order": Column(pl.Int64, "step of the flow chart"),
    "is_met": Column(pl.Boolean, "true: stays in; false: removed; empty: unknown"),
}

DERIVED_COLUMNS: dict[str, dict[str, Column]] = {
    "subject": SUBJECT_COLUMNS,
    "assessment": ASSESSMENT_COLUMNS,
    "eligibility": ELIGIBILITY_COLUMNS,
    **FACT_COLUMNS,
}

STORED_FRAMES = ("subject", "assessment", "eligibility")
"""The derived frames that are kept; the others only serve the rules."""
