"""Prices, bars and indicators for the API, by symbol and range. Entry: `market_data`."""
