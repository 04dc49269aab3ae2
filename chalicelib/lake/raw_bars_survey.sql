-- The months that raw objects hold historical bars of, when those arrived, and in which objects.
SELECT DISTINCT bar, substr("timestamp", 1, 7) AS "month", "date" AS arrived, ${batch} AS batch
FROM (
  SELECT bar, "timestamp", "date", regexp_extract("$path", '/raw/(.*)$', 1) AS batch
  FROM raw_lines
  WHERE (${arrived})
  UNION ALL
  SELECT bar, "timestamp", "date", regexp_extract("$path", '/readings/(.*)$', 1)
  FROM readings
  WHERE (${arrived})
) AS found
WHERE bar IN (${bars}) AND regexp_like("timestamp", '^[0-9]{4}-[0-9]{2}-[0-9]{2}T')
