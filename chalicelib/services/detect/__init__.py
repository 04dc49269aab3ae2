"""Detect: from changed prices to bars, averages and alerts. Entry: `detect`."""
