"""Templates and script of the data-quality pages."""
