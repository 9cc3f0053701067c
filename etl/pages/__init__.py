"""What every page and workbook is made of: texts in two languages, labels, charts, what small counts may be shown."""
