"""The collector: `stream` as a Lambda function that is started each minute and runs for that
minute."""
