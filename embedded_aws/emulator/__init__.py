"""The moto server process: repaired, and kept in SQLite so that a kill loses nothing."""
