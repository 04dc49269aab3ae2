-- title: Volatility
-- description: Realised volatility of a symbol by trading day: the sample deviation of the last log returns from close to close, and the same in percent a year (times the root of the sessions of a year). Days without ticks come from daily history.
-- parameter: symbol symbol; The symbol.
-- parameter: start date default=today-365; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: window integer 2..250 default=20; Returns that are looked at.
-- parameter: sessions integer 1..366 default=252; Sessions of a year; 365 for what trades each day.
-- columns: date, close, log_return, volatility, annual_percent
WITH given AS (
  SELECT n FROM UNNEST(SEQUENCE(2, 250)) AS numbers (n) WHERE n = :window
), given_sessions AS (
  SELECT n FROM UNNEST(SEQUENCE(1, 366)) AS numbers (n) WHERE n = :sessions
), closes AS (
  SELECT "date", CAST(price AS double) AS close,
    ROW_NUMBER() OVER (ORDER BY "date") AS place
  FROM (
    SELECT "date", price,
      ROW_NUMBER() OVER (PARTITION BY "date" ORDER BY "timestamp" DESC) AS from_end
    FROM all_prices
    WHERE symbol = :symbol AND "date" >= :start AND "date" < :end AND price > 0
  ) AS numbered
  WHERE from_end = 1
), returns AS (
  SELECT "date", place, close,
    LN(close) - LN(LAG(close) OVER (ORDER BY place)) AS log_return
  FROM closes
), measured AS (
  SELECT today."date", today.close, today.log_return,
    CASE WHEN COUNT(past.log_return) = MAX(given.n) THEN STDDEV_SAMP(past.log_return) END
      AS volatility
  FROM returns AS today
  CROSS JOIN given
  JOIN returns AS past ON past.place <= today.place AND past.place > today.place - given.n
  GROUP BY today."date", today.close, today.log_return
)
SELECT "date", close, log_return, volatility,
  100 * volatility * SQRT(CAST(given_sessions.n AS double)) AS annual_percent
FROM measured
CROSS JOIN given_sessions
ORDER BY "date"
