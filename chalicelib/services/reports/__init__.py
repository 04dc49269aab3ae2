"""Reports: start Athena queries, follow them and read their results. Entry: `reports`."""
