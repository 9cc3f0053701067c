"""From the warehouse to the matched comparison: estimators, results, tables, figures, reports."""
