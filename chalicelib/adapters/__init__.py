"""Adapters to AWS: one resource per file. AWS's data formats stay in this package."""
