-- Every finding of every ingest, and those between hospitals, which are made again with each ingest; none about patients who withdrew.
with told as (
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
)

select told.*
from told
left join withdrawn on told.hospital = withdrawn.hospital and told.patient_id = withdrawn.patient_id
where withdrawn.patient_id is null
