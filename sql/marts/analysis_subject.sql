-- One row per patient record: subject-level facts, one column per eligibility criterion, and whether all of them hold.
-- A criterion that is unknown (null) does not hold; the protocol counts it at the step of complete data (E4).
-- A line with the name of a criterion stands once for each one (sql/README.md).
with criteria as (
    select
        bool_and(case when criterion_id = '{criterion}' then is_met end) as {criterion},
        patient_id
    from core.eligibility
    group by patient_id
)

select
    subject.*,
    criteria.{criterion},
    coalesce(elsewhere.is_seen_elsewhere_first, false) as seen_elsewhere_first,
    coalesce(criteria.{criterion}, false) and
    not coalesce(elsewhere.is_seen_elsewhere_first, false) as is_eligible
from core.subject as subject
left join criteria on subject.patient_id = criteria.patient_id
left join marts.person_in_two_hospitals as elsewhere on subject.patient_id = elsewhere.patient_id
