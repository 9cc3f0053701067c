"""A study as data, its patients, and the one table of its results."""
