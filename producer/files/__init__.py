"""People's own files of prices, in the forms in which programs and brokers export them.

A file passes through `csv_file` or `parquet_file` (cells of text), `layout` (which column is what),
`survey` (how dates and numbers are written, what the rows are), `rows` (one row's figures) and
`recording` (ticks or bars for the wire). What holds for a file is decided once for all its rows.
"""
