-- The current version of one record table: the rows of each hospital's last good ingest, without the store's seals.
-- {table} is replaced by the name of each table in turn, {columns} by the columns that are declared of it.
with current_ingests as (
    select ingest_id
    from ingests
    where is_current
)

select {columns}
from versions.{table} as record
inner join current_ingests on record.ingest_id = current_ingests.ingest_id
