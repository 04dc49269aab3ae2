-- title: Historical prices
-- description: Open, high, low, close and volume of a symbol's trading days, out of its ticks, those before and after regular hours among them; out of daily history for days without ticks, where ticks is 0.
-- parameter: symbol symbol; The symbol.
-- parameter: start date default=today-365; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- columns: date, open, high, low, close, volume, ticks
SELECT "date",
  MAX(CASE WHEN from_end = 1 THEN COALESCE(open, first_price) END) AS open,
  MAX(CASE WHEN from_end = 1 THEN COALESCE(high, highest) END) AS high,
  MAX(CASE WHEN from_end = 1 THEN COALESCE(low, lowest) END) AS low,
  MAX(CASE WHEN from_end = 1 THEN price END) AS close,
  MAX(volume) AS volume,
  SUM(ticks) AS ticks
FROM (
  SELECT "date", open, high, low, price, volume, ticks,
    FIRST_VALUE(price) OVER (PARTITION BY "date" ORDER BY "timestamp") AS first_price,
    MAX(price) OVER (PARTITION BY "date") AS highest,
    MIN(price) OVER (PARTITION BY "date") AS lowest,
    ROW_NUMBER() OVER (PARTITION BY "date" ORDER BY "timestamp" DESC) AS from_end
  FROM all_prices
  WHERE symbol = :symbol AND "date" >= :start AND "date" < :end
) AS numbered
GROUP BY "date"
ORDER BY "date"
