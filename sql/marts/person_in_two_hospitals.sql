-- Patients seen in more than one hospital, by the hash that no hospital can invert, and where therapy started first.
-- Grain: one patient record of a person who has records in at least two hospitals.
with persons as (
    select
        person_id,
        count(distinct hospital) as n_hospitals
    from core.subject
    where person_id is not null
    group by person_id
),

ranked as (
    select
        subject.hospital,
        subject.patient_id,
        subject.person_id,
        row_number() over (
            partition by subject.person_id
            order by coalesce(subject.first_line_start_date, date '9999-12-31'), subject.hospital, subject.source_row
        ) as nth_start
    from core.subject as subject
    inner join persons on subject.person_id = persons.person_id
    where persons.n_hospitals > 1
)

select
    hospital,
    patient_id,
    person_id,
    nth_start,
    nth_start > 1 as is_seen_elsewhere_first
from ranked
