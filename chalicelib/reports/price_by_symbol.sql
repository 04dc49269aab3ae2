-- title: Average and maximum price by symbol
-- description: Mean, highest and lowest price of the ticks, by symbol. A day without ticks counts once, with its close, high and low in daily history.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- columns: symbol, ticks, average_price, maximum_price, minimum_price
SELECT symbol, SUM(ticks) AS ticks,
  AVG(CAST(price AS double)) AS average_price,
  MAX(CASE WHEN ticks = 0 THEN high ELSE price END) AS maximum_price,
  MIN(CASE WHEN ticks = 0 THEN low ELSE price END) AS minimum_price
FROM all_prices
WHERE "date" >= :start AND "date" < :end
GROUP BY symbol
ORDER BY symbol
