"""Benchmarks, and the counts that the cost model prices."""
