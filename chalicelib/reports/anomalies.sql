-- title: Anomalies
-- description: Ticks whose price is further from the last session's close than a bound, newest first. A day without ticks counts once, with its close in daily history.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: percent decimal 0..1000 default=5; The bound in percent, either way; a change of just that much is none.
-- parameter: limit integer 1..1000 default=100; The most rows.
-- columns: symbol, timestamp, price, previous_close, change, change_percent
SELECT symbol, "timestamp", price, previous_close,
  price - previous_close AS change,
  ROUND(100 * CAST(price - previous_close AS double) / CAST(NULLIF(previous_close, 0) AS double), 4) AS change_percent
FROM (
  SELECT symbol, "timestamp", price, previous_close,
    ROW_NUMBER() OVER (ORDER BY "timestamp" DESC, symbol) AS place
  FROM all_prices
  WHERE "date" >= :start AND "date" < :end
    AND previous_close > 0
    AND ABS(price - previous_close) * 100 > previous_close * :percent
) AS placed
WHERE place <= :limit
ORDER BY place
