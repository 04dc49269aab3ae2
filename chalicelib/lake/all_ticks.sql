-- Days that are compacted, and the raw ticks of later ones. compact moves the boundary.
SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, "date"
FROM ticks
WHERE "date" <= '${compacted_until}'
UNION ALL
SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, "date"
FROM (
${raw}
) AS newer
WHERE "date" > '${compacted_until}'
