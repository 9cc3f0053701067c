"""Templates of a study's report and of the page of the results table."""
