-- What a current version could not hold, because it was loaded before the registry made it: columns that came later, and
-- eligibility criteria that nobody judged yet. Reading its delivery again fills them, but for a patient who withdrew and whose data
-- stay as they were: there nothing is read any more. Grain: one hospital, table and column.
with current_ingests as (
    select
        ingest_id,
        hospital,
        delivery,
        patients
    from ingests
    where is_current
)

select
    current_ingests.hospital,
    current_ingests.delivery,
    schema_column.table_name,
    schema_column.column_name
from current_ingests
inner join schema_column on current_ingests.ingest_id < schema_column.since_ingest_id
where schema_column.table_name like 'versions.%'
union
select
    current_ingests.hospital,
    current_ingests.delivery,
    schema_column.table_name,
    schema_column.column_name
from current_ingests
inner join withdrawn on current_ingests.hospital = withdrawn.hospital
inner join core.subject as subject on withdrawn.patient_id = subject.patient_id
inner join schema_column on withdrawn.ingest_id < schema_column.since_ingest_id
where schema_column.table_name like 'versions.%'
union all
select
    current_ingests.hospital,
    current_ingests.delivery,
    'versions.eligibility' as table_name,
    step.criterion_id as column_name
from current_ingests
cross join marts.eligibility_step as step
left join core.eligibility as eligibility
    on current_ingests.ingest_id = eligibility.ingest_id and step.criterion_id = eligibility.criterion_id
where
    current_ingests.patients > 0
    and step.criterion_id <> 'seen_elsewhere_first'
    and eligibility.criterion_id is null
