"""The cost model: it prices the counts of a run, or of a plan, at list prices. The model sends and
measures nothing; `python -m bench.cost` counts."""
