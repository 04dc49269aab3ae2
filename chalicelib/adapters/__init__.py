"""Adapters to AWS: one resource per file. No other package knows AWS's data formats."""
