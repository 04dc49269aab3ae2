-- title: Volume trend
-- description: A symbol's volume by trading day, beside the mean of the days up to it and the day before. Days without ticks come from daily history.
-- parameter: symbol symbol; The symbol.
-- parameter: start date default=today-90; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: window integer 2..250 default=5; Days of the mean.
-- columns: date, volume, average_volume, ratio, change_percent
WITH given AS (
  SELECT n FROM UNNEST(SEQUENCE(2, 250)) AS numbers (n) WHERE n = :window
), days AS (
  SELECT "date", MAX(volume) AS volume, ROW_NUMBER() OVER (ORDER BY "date") AS place
  FROM all_prices
  WHERE symbol = :symbol AND "date" >= :start AND "date" < :end AND volume IS NOT NULL
  GROUP BY "date"
), measured AS (
  SELECT today."date", today.place, today.volume,
    CASE WHEN COUNT(*) = MAX(given.n) THEN AVG(CAST(past.volume AS double)) END AS average_volume
  FROM days AS today
  CROSS JOIN given
  JOIN days AS past ON past.place <= today.place AND past.place > today.place - given.n
  GROUP BY today."date", today.place, today.volume
)
SELECT "date", volume, average_volume,
  CAST(volume AS double) / NULLIF(average_volume, 0) AS ratio,
  100 * (CAST(volume AS double) / CAST(NULLIF(LAG(volume) OVER (ORDER BY place), 0) AS double) - 1)
    AS change_percent
FROM measured
ORDER BY "date"
