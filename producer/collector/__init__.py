"""The collector: `stream` without a machine, a minute at a time, as a scheduled Lambda function."""
