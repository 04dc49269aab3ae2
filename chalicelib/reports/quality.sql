-- title: Quality of what arrived
-- description: By date of arrival, symbol and source: ticks, repeated lines, ticks sent after a later one, and the seconds from a tick to its sending, of live ticks.
-- parameter: start date default=today-7; The first date of arrival (UTC).
-- parameter: end date default=today+2; The date of arrival before which to stop.
-- columns: date, symbol, source, ticks, repeats, out_of_order, delay_p50, delay_p90, delay_p99
WITH ticks AS (
  SELECT "date", symbol, source, "timestamp", instant, COUNT(*) AS copies,
    MIN(CASE WHEN sent IS NOT NULL THEN sent_at END) AS sent_at, MIN(sent) AS sent
  FROM (
    SELECT "date", upper(symbol) AS symbol, coalesce(nullif(source, ''), 'unknown') AS source,
      "timestamp", sent_at,
      TRY_CAST(concat(substr("timestamp", 1, 10), ' ', substr("timestamp", 12, 12)) AS timestamp) AS instant,
      CASE WHEN regexp_like(sent_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$')
        THEN TRY_CAST(concat(substr(sent_at, 1, 10), ' ', substr(sent_at, 12, 12)) AS timestamp)
      END AS sent
    FROM raw_lines
    WHERE "date" >= :start AND "date" < :end AND bar IS NULL AND price IS NOT NULL
      AND coalesce(mode, 'live') = 'live'
      AND regexp_like(symbol, '^[A-Za-z0-9.=^_-]{1,24}$')
      AND regexp_like("timestamp", '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$')
  ) AS lines
  WHERE instant IS NOT NULL
  GROUP BY "date", symbol, source, "timestamp", instant
), sent AS (
  SELECT "date", symbol, source, "timestamp", copies,
    MAX("timestamp") OVER (
      PARTITION BY "date", symbol, source ORDER BY sent_at, "timestamp"
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS latest,
    CAST(DATE_DIFF('millisecond', instant, sent) AS double) / 1000 AS delay
  FROM ticks
), placed AS (
  SELECT "date", symbol, source, "timestamp", copies, latest, delay,
    ROW_NUMBER() OVER (PARTITION BY "date", symbol, source ORDER BY delay) AS place,
    COUNT(delay) OVER (PARTITION BY "date", symbol, source) AS measured
  FROM sent
)
SELECT "date", symbol, source,
  COUNT(*) AS ticks,
  SUM(copies - 1) AS repeats,
  SUM(CASE WHEN delay IS NOT NULL AND latest > "timestamp" THEN 1 ELSE 0 END) AS out_of_order,
  MIN(CASE WHEN 100 * place >= 50 * measured THEN delay END) AS delay_p50,
  MIN(CASE WHEN 100 * place >= 90 * measured THEN delay END) AS delay_p90,
  MIN(CASE WHEN 100 * place >= 99 * measured THEN delay END) AS delay_p99
FROM placed
GROUP BY "date", symbol, source
ORDER BY "date", symbol, source
