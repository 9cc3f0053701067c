-- The analysis mart has exactly the subjects of the current version: no join dropped or multiplied one.
with mart as (
    select patient_id, count(*) as n
    from marts.analysis_subject
    group by patient_id
)

select core.subject.patient_id
from core.subject
left join mart on core.subject.patient_id = mart.patient_id
where mart.n is null or mart.n <> 1
