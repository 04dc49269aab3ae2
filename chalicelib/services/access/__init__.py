"""API keys, and the rate limit of each."""
