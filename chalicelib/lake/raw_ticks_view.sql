-- Lines that are ticks; historical bars are lines of raw_lines too.
SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, sent_at, "date", "hour"
FROM raw_lines
WHERE bar IS NULL
