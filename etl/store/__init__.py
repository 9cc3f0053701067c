"""The warehouse: its declared tables, its versions, and the only reader of `sql/`."""
