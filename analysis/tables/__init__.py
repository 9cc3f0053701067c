"""The report's tables: every number is looked up in the results; stands on study, steps, estimators."""
