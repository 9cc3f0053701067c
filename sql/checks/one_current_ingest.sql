-- A hospital has one current ingest.
select hospital, count(*) as n
from ingests
where is_current
group by hospital
having count(*) > 1
