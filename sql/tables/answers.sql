-- One row per answer to a query, as it was taken from a hospital's workbook. Rows are only added; the last one of a query counts.
create table if not exists answers (
    answer_id bigint,
    hospital varchar,
    finding_id varchar,
    answer varchar,
    comment varchar,
    value varchar,
    message_en varchar,
    answered_by varchar,
    ingest_id bigint,
    source_file varchar,
    source_row bigint,
    file_hash varchar,
    taken_at varchar
)
