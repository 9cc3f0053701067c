"""Data-quality measures, expectations, queries and pages."""
