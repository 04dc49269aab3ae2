"""Athena's API in the emulator. SQL statements run in a separate process (`engine`)."""
