"""Pushes what detect has computed to open pages."""
