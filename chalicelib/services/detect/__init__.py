"""Compute bars, averages and alerts from changed prices. The entry point is `detect`."""
