-- title: Volume above a bound
-- description: Ticks by which more than a bound had been traded in their session, newest first. A day without ticks counts once, with its volume in daily history.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: volume decimal 0..1000000000000000 default=15000; The bound; just that much is not above it.
-- parameter: limit integer 1..1000 default=100; The most rows.
-- columns: symbol, timestamp, price, volume
SELECT symbol, "timestamp", price, volume
FROM (
  SELECT symbol, "timestamp", price, volume,
    ROW_NUMBER() OVER (ORDER BY "timestamp" DESC, symbol) AS place
  FROM all_prices
  WHERE "date" >= :start AND "date" < :end AND volume > :volume
) AS placed
WHERE place <= :limit
ORDER BY place
