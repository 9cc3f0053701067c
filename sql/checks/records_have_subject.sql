-- Every baseline and outcome record belongs to a subject.
with records as (
    select patient_id from core.baseline
    union all
    select patient_id from core.outcome
)

select records.patient_id
from records
left join core.subject on records.patient_id = core.subject.patient_id
where core.subject.patient_id is null
