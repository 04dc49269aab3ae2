"""Rebuild a symbol's bars and state from its stored prices. The entry point is `rebuild`."""
