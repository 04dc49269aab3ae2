"""The moto server process, patched and stored in SQLite so that a kill loses nothing."""
