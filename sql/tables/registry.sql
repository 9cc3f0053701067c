-- One row: what this warehouse was made with. The fingerprint tells two pseudonym keys apart and reveals neither.
create table if not exists registry (
    key_fingerprint varchar,
    is_synthetic boolean
)
