"""The studies, one folder each: its specification and, where there is one, what was published."""
