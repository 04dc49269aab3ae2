"""Reports: Athena queries that are started, followed and read. Entry: `reports`."""
