"""Stored bars: writing them, correcting them after late ticks, the closes that rules need."""
