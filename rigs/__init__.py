"""Code that tests, benchmarks and tools share.

It has fakes of AWS and the API, Lambda's events, a running system, and functions that read a drawn
chart. Nothing that users run imports it.
"""
