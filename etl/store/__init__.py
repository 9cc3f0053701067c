"""The DuckDB file of a workspace: its declared shape, its migrations, one writer, what is owed; the only reader of sql/; stands on pages."""
