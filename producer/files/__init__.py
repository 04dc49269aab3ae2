"""Reads users' own price files, in the formats that programs and brokers export.

A file passes through five steps. `csv_file` or `parquet_file` reads cells of text. `layout` detects
what each column holds. `survey` detects how dates and numbers are written, and what the rows are.
`rows` reads one row's figures. `recording` makes ticks or bars of them. The format is decided once
for all rows of a file.
"""
