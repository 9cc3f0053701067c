"""The report's figures, drawn from results and curves; stands on study, steps."""
