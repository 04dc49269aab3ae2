"""The archive's tables: merge small raw objects and compact finished days. Entry: `compact`."""
