"""What tests, benchmarks and tools share: stand-ins for AWS and the API, Lambda's events, a running
system, and how a drawn chart is read. Nothing that users run imports it."""
