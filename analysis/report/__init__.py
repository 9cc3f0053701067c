"""Page, manuscript and the page about the results; stands on study, steps, tables, figures."""
