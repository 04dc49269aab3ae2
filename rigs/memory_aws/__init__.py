"""DynamoDB, S3, SNS, SQS and KMS in memory, limited to what the adapters use.

This AWS answers like botocore's clients and takes about 20 microseconds per call, so that thousands
of runs with faults are affordable. `tests/integration/test_adapters_*.py` verify the same contract
for it and for the emulator's processes.
"""
