"""What the sheets, columns and codes of an unknown delivery probably are, with a confidence and a reason."""
