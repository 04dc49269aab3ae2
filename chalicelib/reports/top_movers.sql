-- title: Top movers
-- description: Symbols by the change of their newest price since the last session's close, in percent. A day without ticks counts once, with its close in daily history.
-- parameter: start date default=today-7; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: direction choice up|down|both default=up; Gains, losses, or either.
-- parameter: limit integer 1..1000 default=5; The most rows.
-- columns: symbol, timestamp, price, previous_close, change, change_percent
WITH newest AS (
  SELECT symbol, "timestamp", price, previous_close,
    ROW_NUMBER() OVER (PARTITION BY symbol ORDER BY "timestamp" DESC) AS age
  FROM all_prices
  WHERE "date" >= :start AND "date" < :end AND previous_close > 0
), moved AS (
  SELECT symbol, "timestamp", price, previous_close,
    price - previous_close AS change,
    100 * CAST(price - previous_close AS double) / CAST(previous_close AS double) AS percent
  FROM newest
  WHERE age = 1
), placed AS (
  SELECT *, ROW_NUMBER() OVER (ORDER BY ABS(percent) DESC, symbol) AS place
  FROM moved
  WHERE (percent > 0 AND :direction <> 'down') OR (percent < 0 AND :direction <> 'up')
)
SELECT symbol, "timestamp", price, previous_close, change, ROUND(percent, 4) AS change_percent
FROM placed
WHERE place <= :limit
ORDER BY place
