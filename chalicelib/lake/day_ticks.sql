SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, split, "date"
FROM (
${raw}
) AS wanted
WHERE "date" IN (${dates})
