-- The current version of one record table: the rows of each hospital's last good ingest.
-- {table} is replaced by the name of each table in turn.
with current_ingests as (
    select ingest_id
    from ingests
    where is_current
)

select record.*
from versions.{table} as record
inner join current_ingests on record.ingest_id = current_ingests.ingest_id
