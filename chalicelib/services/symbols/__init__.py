"""Tracked symbols, their sources, and deleting everything stored for a symbol."""
