"""The patched moto server, which stores everything in SQLite so that a kill loses nothing."""
