"""Prices, bars and indicators for the API. The entry point is `market_data`."""
