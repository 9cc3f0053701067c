"""Clinical definitions as pure polars expressions with named cut-offs and their sources."""
