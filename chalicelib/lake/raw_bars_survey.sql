-- The months that raw objects hold historical bars of, when those arrived, and in which objects. Only months
-- from 1970 to that of the arrival (or of the day after it) count: no bar of another one is ever stored.
SELECT DISTINCT bar, substr("timestamp", 1, 7) AS "month", "date" AS arrived, ${batch} AS batch
FROM (
  SELECT bar, "timestamp", "date", ${raw_batch} AS batch
  FROM raw_lines
  WHERE (${arrived})
  UNION ALL
  SELECT bar, "timestamp", "date", ${readings_batch}
  FROM readings
  WHERE (${arrived})
) AS found
WHERE bar IN (${bars})
  AND regexp_like("timestamp", '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}T')
  AND substr("timestamp", 1, 7) BETWEEN '1970-01' AND substr(CAST(date_add('day', 1, CAST("date" AS date)) AS varchar), 1, 7)
