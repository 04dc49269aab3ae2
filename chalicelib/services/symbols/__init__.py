"""Tracked symbols, and deleting everything stored for a symbol."""
