"""What somebody else made: texts on their way to a terminal, and SQLite files. Imports nothing of
ours, so that every other package may import it."""
