"""The archive's tables: merging small raw objects and compacting days. Entry: `compact`."""
