-- Each tick once (ticks = 1), and daily history where a symbol has no tick of the day (ticks = 0): then
-- the price is the day's close, the previous close that of the bar before.
SELECT symbol, "timestamp", price, open, high, low, previous_close, volume, source, ticks, "date"
FROM (
  SELECT *, max(ticks) OVER (PARTITION BY symbol, "date") AS most
  FROM (
    SELECT
      symbol, "timestamp", price, open, high, low, previous_close, volume, source,
      CAST(1 AS bigint) AS ticks, "date"
    FROM all_ticks
    UNION ALL
    SELECT
      symbol, "start", close, open, high, low,
      lag(close) OVER (PARTITION BY symbol ORDER BY "start"), volume, source,
      CAST(0 AS bigint), "date"
    FROM bars_1d
  ) AS united
) AS counted
WHERE ticks = most
