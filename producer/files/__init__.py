"""Reads users' own price files, in the formats that programs and brokers export.

A file passes through `csv_file` or `parquet_file` (cells of text), `layout` (which column is what),
`survey` (how dates and numbers are written, what the rows are), `rows` (one row's figures) and
`recording` (ticks or bars for the wire). The format is decided once for all rows of a file.
"""
