"""The warehouse's tables, views, marts and checks."""
