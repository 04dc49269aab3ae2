"""Benchmarks. They also count the calls, units and bytes that the cost model prices."""
