-- From now on the database knows its version, and since which ingest each column is filled.
-- Before, a table could not gain a column: what it has was filled by every ingest.
create table main.schema_version (version bigint, views_hash varchar);
create table main.schema_column (table_name varchar, column_name varchar, since_ingest_id bigint);
insert into main.schema_column
select
    table_schema || '.' || table_name,
    column_name,
    1
from information_schema.columns
where
    table_schema in ('landing', 'versions')
    or (
        table_schema = 'main'
        and table_name in ('answers', 'cross_findings', 'ingests', 'registry', 'schema_column', 'schema_version')
    );
