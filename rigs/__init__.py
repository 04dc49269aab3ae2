"""Code shared by tests, benchmarks and tools: fakes of AWS and the API, Lambda's events, a running
system, and readings of a drawn chart.

Nothing that users run imports it.
"""
