"""Athena's API in the emulator. Statements run in a separate process, `engine`."""
