"""The base template, style and helpers of every HTML page."""
