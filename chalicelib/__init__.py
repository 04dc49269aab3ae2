"""The package that is deployed with every Lambda function."""
