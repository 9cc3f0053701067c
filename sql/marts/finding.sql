-- Every finding of every ingest, and those between hospitals, which are made again with each ingest.
select
    finding_id, rule_id, severity, outcome, patient_id, table_name, field, record_key,
    source_file, source_sheet, source_row, source_column, value, message_en, message_zh, reading,
    ingest_id, hospital, delivery
from versions.findings
union all
select
    finding_id, rule_id, severity, outcome, patient_id, table_name, field, record_key,
    source_file, source_sheet, source_row, source_column, value, message_en, message_zh, reading,
    ingest_id, hospital, delivery
from cross_findings
