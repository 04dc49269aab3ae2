"""Everything that the Lambda functions carry."""
