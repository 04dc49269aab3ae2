"""Merge small raw objects and compact finished days of the archive. The entry point is
`compact`."""
