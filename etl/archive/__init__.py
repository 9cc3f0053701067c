"""The database as open files that any engine reads, and back: exports, frozen sets of an analysis, backups of a workspace; stands on pages, store."""
