"""Joins, filters and counts for the reports; a file is a view."""
