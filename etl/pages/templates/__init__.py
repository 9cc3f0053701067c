"""The base template of every HTML page, its style and its script."""
