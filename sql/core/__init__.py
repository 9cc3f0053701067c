"""The current version of each record table: one template."""
