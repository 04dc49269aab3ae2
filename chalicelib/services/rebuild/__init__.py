"""Rebuild a symbol's bars and state from its stored prices. Entry: `rebuild`."""
