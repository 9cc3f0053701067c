"""The analyses of a study: each takes cohorts and adds its numbers to the results."""
