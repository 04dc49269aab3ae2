-- title: Moving averages
-- description: A symbol's prices with two simple moving averages; null before so many prices are in the range.
-- parameter: symbol symbol; The symbol.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: interval choice tick|1d default=tick; Every tick, or the last one of each trading day; a day without ticks counts once either way, with its close in daily history.
-- parameter: fast integer 1..1000 default=5; Prices of the fast average.
-- parameter: slow integer 2..1000 default=20; Prices of the slow average; more than fast.
-- columns: timestamp, price, fast_average, slow_average
WITH given_fast AS (
  SELECT n FROM UNNEST(SEQUENCE(1, 1000)) AS numbers (n) WHERE n = :fast
), given_slow AS (
  SELECT n FROM UNNEST(SEQUENCE(1, 1000)) AS numbers (n) WHERE n = :slow
), prices AS (
  SELECT "timestamp", price, ROW_NUMBER() OVER (ORDER BY "timestamp") AS place,
    SUM(price) OVER (ORDER BY "timestamp" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total
  FROM (
    SELECT "timestamp", price,
      ROW_NUMBER() OVER (PARTITION BY "date" ORDER BY "timestamp" DESC) AS from_end
    FROM all_prices
    WHERE symbol = :symbol AND "date" >= :start AND "date" < :end
  ) AS numbered
  WHERE :interval = 'tick' OR from_end = 1
), summed AS (
  SELECT here."timestamp", here.price, here.place, given_fast.n AS fast, given_slow.n AS slow,
    here.total - first_of_fast.total + first_of_fast.price AS fast_sum,
    here.total - first_of_slow.total + first_of_slow.price AS slow_sum
  FROM prices AS here
  CROSS JOIN given_fast
  CROSS JOIN given_slow
  LEFT JOIN prices AS first_of_fast ON first_of_fast.place = here.place - given_fast.n + 1
  LEFT JOIN prices AS first_of_slow ON first_of_slow.place = here.place - given_slow.n + 1
)
SELECT "timestamp", price,
  CAST(fast_sum AS double) / fast AS fast_average,
  CAST(slow_sum AS double) / slow AS slow_average
FROM summed
ORDER BY place
