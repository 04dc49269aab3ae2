"""Run reports as Athena queries, and read their results. The entry point is `reports`."""
