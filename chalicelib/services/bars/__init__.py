"""Stored bars: write them, correct them after late ticks, and read the closes for rules."""
