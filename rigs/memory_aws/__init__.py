"""DynamoDB, S3 and SNS in memory, as far as the adapters use them.

It answers as botocore's clients do and takes some 20 microseconds a call, so that thousands of
runs with faults are affordable. `tests/integration/test_adapters_*.py` hold it to the same
contract as the emulator's processes.
"""
