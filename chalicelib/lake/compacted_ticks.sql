SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, split, "date"
FROM ticks
WHERE "date" IN (${dates})
