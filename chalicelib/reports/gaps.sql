-- title: Gaps in the data
-- description: Where two ticks of a symbol that follow each other on one trading day lie further apart than a bound.
-- parameter: symbol symbol; The symbol.
-- parameter: start date default=today-7; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- parameter: minutes decimal 0..1440 default=10; The bound; just that long is no gap.
-- columns: date, gap_start, gap_end, seconds
SELECT "date", gap_start, gap_end, seconds
FROM (
  SELECT "date", earlier AS gap_start, "timestamp" AS gap_end,
    CAST(DATE_DIFF('millisecond', FROM_ISO8601_TIMESTAMP(earlier),
      FROM_ISO8601_TIMESTAMP("timestamp")) AS double) / 1000 AS seconds
  FROM (
    SELECT "date", "timestamp",
      LAG("timestamp") OVER (PARTITION BY "date" ORDER BY "timestamp") AS earlier
    FROM all_ticks
    WHERE symbol = :symbol AND "date" >= :start AND "date" < :end
  ) AS paired
  WHERE earlier IS NOT NULL
) AS measured
WHERE seconds > 60 * :minutes
ORDER BY gap_start
