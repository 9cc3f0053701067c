-- A patient has one subject row in the current version.
select patient_id, count(*) as n
from core.subject
group by patient_id
having count(*) > 1
