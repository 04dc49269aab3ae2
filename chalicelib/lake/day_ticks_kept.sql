-- As day_ticks, and what Parquet has of days whose raw objects have begun to expire.
SELECT
  ${tick}, split, "date"
FROM (
  SELECT
    *,
    row_number() OVER (PARTITION BY symbol, "timestamp" ORDER BY kept) AS choice
  FROM (
    SELECT
      ${tick}, split, "date", 0 AS kept
    FROM (
${raw}
    ) AS wanted
    WHERE "date" IN (${dates})
    UNION ALL
    SELECT
      ${tick}, split, "date", 1
    FROM ticks
    WHERE "date" IN (${kept})
  ) AS merged
) AS chosen
WHERE choice = 1
