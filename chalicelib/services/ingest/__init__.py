"""Ingest: a batch of records becomes raw objects, prices, stored history and quarantine."""
