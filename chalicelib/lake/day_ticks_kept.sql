-- As day_ticks, and what Parquet has of days whose raw objects have begun to expire.
SELECT
  symbol, "timestamp", price, open, high, low, previous_close, volume,
  currency, exchange_timezone, market_state, source, mode, split, "date"
FROM (
  SELECT
    *,
    row_number() OVER (PARTITION BY symbol, "timestamp" ORDER BY kept) AS choice
  FROM (
    SELECT
      symbol, "timestamp", price, open, high, low, previous_close, volume,
      currency, exchange_timezone, market_state, source, mode, split, "date", 0 AS kept
    FROM (
${raw}
    ) AS wanted
    WHERE "date" IN (${dates})
    UNION ALL
    SELECT
      symbol, "timestamp", price, open, high, low, previous_close, volume,
      currency, exchange_timezone, market_state, source, mode, split, "date", 1
    FROM ticks
    WHERE "date" IN (${kept})
  ) AS merged
) AS chosen
WHERE choice = 1
