-- One row per patient record: subject-level facts, one column per eligibility criterion, and whether all of them hold.
-- A criterion that is unknown (null) does not hold; the protocol counts it at the step of complete data (E4).
with criteria as (
    select
        patient_id,
        bool_and(case when criterion_id = 'i1_primary_unresectable_hcc' then is_met end) as i1_primary_unresectable_hcc,
        bool_and(case when criterion_id = 'i2_bclc_c_with_metastasis' then is_met end) as i2_bclc_c_with_metastasis,
        bool_and(case when criterion_id = 'i3_liver_function_and_ecog' then is_met end) as i3_liver_function_and_ecog,
        bool_and(case when criterion_id = 'i4_no_other_malignancy' then is_met end) as i4_no_other_malignancy,
        bool_and(case when criterion_id = 'e1_not_recurrent' then is_met end) as e1_not_recurrent,
        bool_and(case when criterion_id = 'e2_age_18_to_75' then is_met end) as e2_age_18_to_75,
        bool_and(case when criterion_id = 'e3_no_vena_cava_or_atrium_tumour' then is_met end)
            as e3_no_vena_cava_or_atrium_tumour,
        bool_and(case when criterion_id = 'e4_complete_data' then is_met end) as e4_complete_data,
        bool_and(case when criterion_id = 'e5_followed_3_months' then is_met end) as e5_followed_3_months,
        bool_and(case when criterion_id = 'x1_treated_3_months' then is_met end) as x1_treated_3_months,
        bool_and(case when criterion_id = 'arm_is_compared' then is_met end) as arm_is_compared,
        bool_and(case when criterion_id = 'start_in_enrolment_window' then is_met end) as start_in_enrolment_window,
        bool_and(coalesce(is_met, false)) as meets_all
    from core.eligibility
    group by patient_id
)

select
    subject.*,
    criteria.i1_primary_unresectable_hcc,
    criteria.i2_bclc_c_with_metastasis,
    criteria.i3_liver_function_and_ecog,
    criteria.i4_no_other_malignancy,
    criteria.e1_not_recurrent,
    criteria.e2_age_18_to_75,
    criteria.e3_no_vena_cava_or_atrium_tumour,
    criteria.e4_complete_data,
    criteria.e5_followed_3_months,
    criteria.x1_treated_3_months,
    criteria.arm_is_compared,
    criteria.start_in_enrolment_window,
    coalesce(elsewhere.is_seen_elsewhere_first, false) as seen_elsewhere_first,
    coalesce(criteria.meets_all, false) and not coalesce(elsewhere.is_seen_elsewhere_first, false) as is_eligible
from core.subject as subject
left join criteria on subject.patient_id = criteria.patient_id
left join marts.person_in_two_hospitals as elsewhere on subject.patient_id = elsewhere.patient_id
