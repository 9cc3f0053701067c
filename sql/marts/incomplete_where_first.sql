-- Patients of several hospitals who leave for incomplete data alone (E4) in the record of the hospital where therapy started first.
-- They stay out, although another hospital may hold what is missing: the coordinating centre is told.
-- Grain: one patient record, that of the first hospital.
select
    shared.hospital,
    shared.patient_id
from marts.person_in_two_hospitals as shared
inner join core.eligibility as eligibility on shared.patient_id = eligibility.patient_id
where shared.nth_start = 1
group by shared.hospital, shared.patient_id
having
    bool_or(eligibility.criterion_id = 'e4_complete_data' and not eligibility.is_met)
    and bool_and(eligibility.criterion_id = 'e4_complete_data' or coalesce(eligibility.is_met, true))
