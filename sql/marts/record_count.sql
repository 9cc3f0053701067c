-- How many records each ingest loaded into each table. Grain: one ingest and table.
select
    ingest_id,
    hospital,
    table_name,
    max(n_records) as n_records
from versions.completeness
group by ingest_id, hospital, table_name
