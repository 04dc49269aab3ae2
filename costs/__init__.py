"""The cost model: counts of a run, or of a plan, at list prices. It sends nothing and measures
nothing; `python -m bench.cost` counts."""
