-- title: Latest records
-- description: The newest ticks of all symbols, newest first.
-- parameter: start date default=today-7; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: limit integer 1..1000 default=10; The most rows.
-- columns: symbol, timestamp, open, high, low, price, previous_close, change, change_percent, volume, source
SELECT symbol, "timestamp", open, high, low, price, previous_close,
  price - previous_close AS change,
  ROUND(100 * CAST(price - previous_close AS double) / CAST(NULLIF(previous_close, 0) AS double), 4) AS change_percent,
  volume, source
FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY "timestamp" DESC, symbol) AS place
  FROM all_ticks
  WHERE "date" >= :start AND "date" < :end
) AS placed
WHERE place <= :limit
ORDER BY place
