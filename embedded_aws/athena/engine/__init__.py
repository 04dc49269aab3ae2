"""Runs Athena SQL statements with DuckDB, over the emulator's S3 and Glue."""
