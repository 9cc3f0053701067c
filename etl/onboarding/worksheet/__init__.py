"""The workbook in which a person decides a mapping: written, filled in, read back."""
