"""What is true of the data, and nothing else: codes, units, tables, definitions, rules."""
