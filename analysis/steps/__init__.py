"""The analyses of a study, one after the other, each adding its numbers to the results; stands on study, estimators."""
