-- title: Average volume
-- description: The mean of what was traded in a session, by symbol. Ticks carry the session's volume so far, so that a session counts once, with its highest. Days without ticks come from daily history.
-- parameter: start date default=today-30; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- columns: symbol, sessions, average_volume
SELECT symbol, COUNT(*) AS sessions, AVG(CAST(volume AS double)) AS average_volume
FROM (
  SELECT symbol, "date", MAX(volume) AS volume
  FROM all_prices
  WHERE "date" >= :start AND "date" < :end AND volume IS NOT NULL
  GROUP BY symbol, "date"
) AS traded
GROUP BY symbol
ORDER BY symbol
