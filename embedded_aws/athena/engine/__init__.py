"""Runs statements of Athena's SQL with DuckDB, over the emulator's S3 and Glue."""
