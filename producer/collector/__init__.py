"""The collector: `stream` as a scheduled Lambda function that runs for a minute at a time."""
