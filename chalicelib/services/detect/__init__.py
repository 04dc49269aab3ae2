"""Detect: compute bars, averages and alerts from changed prices. Entry: `detect`."""
