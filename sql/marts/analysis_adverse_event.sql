-- The worst grade of each adverse event term of each patient. Grain: one patient and term.
select
    adverse_event.hospital,
    adverse_event.patient_id,
    subject.arm,
    adverse_event.term,
    max(adverse_event.grade) as grade
from core.adverse_event as adverse_event
inner join core.subject as subject on adverse_event.patient_id = subject.patient_id
where adverse_event.term is not null and adverse_event.grade is not null
group by adverse_event.hospital, adverse_event.patient_id, subject.arm, adverse_event.term
