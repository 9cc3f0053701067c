"""The template of the page of a hospital's mapping."""
