"""DynamoDB, S3, SNS, SQS and KMS in memory, limited to what the adapters use.

This AWS answers like botocore's clients and takes about 20 microseconds per call. So tests can
afford thousands of runs with faults. `tests/integration/test_adapters_*.py` verify the same
contract for it and for the emulator's processes.
"""
