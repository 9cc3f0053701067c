-- The three accounts of every ingest balance: rows, records, cells.
select ingest_id
from ingests
where
    rows_read <> rows_used + rows_ignored
    or records_made <> records_loaded + records_quarantined
    or cells <> cells_mapped + cells_identifier + cells_ignored + cells_quarantined
