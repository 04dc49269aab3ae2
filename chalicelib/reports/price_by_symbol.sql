-- title: Average and maximum price by symbol
-- description: Mean, highest and lowest price of the ticks, by symbol.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- columns: symbol, ticks, average_price, maximum_price, minimum_price
SELECT symbol, COUNT(*) AS ticks,
  AVG(CAST(price AS double)) AS average_price,
  MAX(price) AS maximum_price,
  MIN(price) AS minimum_price
FROM all_ticks
WHERE "date" >= :start AND "date" < :end
GROUP BY symbol
ORDER BY symbol
