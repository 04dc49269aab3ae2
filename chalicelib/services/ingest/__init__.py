"""Turn a batch of records into raw objects, prices, stored history and quarantine."""
