"""Handles data of unknown origin: texts for a terminal, and SQLite files.

This package imports no other package of ours, so that every package may import it.
"""
