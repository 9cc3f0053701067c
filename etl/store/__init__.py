"""The DuckDB file of a workspace: its declared shape, its migrations, one writer; the only reader of sql/."""
