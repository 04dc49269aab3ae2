-- Each historical bar of an interval in the raw archive once, read as raw_ticks.sql reads ticks.
SELECT ${bar_columns}, number, "date"
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY symbol, "start", "date"
      ORDER BY length(number) DESC, number DESC, sent_at DESC, close DESC
    ) AS place
  FROM (
    SELECT
      plain.symbol, plain."start",
      TRY_CAST(plain.open AS decimal(20,8)) AS open,
      TRY_CAST(plain.high AS decimal(20,8)) AS high,
      TRY_CAST(plain.low AS decimal(20,8)) AS low,
      TRY_CAST(plain.price AS decimal(20,8)) AS close,
      TRY_CAST(plain.volume AS decimal(26,8)) AS volume,
      plain.source, plain.number, plain.sent_at, substr(plain."start", 1, 10) AS "date"
    FROM (
      SELECT
        upper(symbol) AS symbol,
        CASE WHEN length("timestamp") = 20 THEN concat(substr("timestamp", 1, 19), '.000000Z') ELSE "timestamp" END AS "start",
        price, open, high, low, volume,
        coalesce(nullif(source, ''), 'unknown') AS source,
        sent_at,
        TRY_CAST(concat(substr("timestamp", 1, 10), ' ', substr("timestamp", 12, 8), ' UTC') AS timestamp with time zone) AS instant,
        ${raw_batch} AS batch,
        ${number} AS number
      FROM raw_lines
      WHERE (${arrived})
        AND bar = '${bar}'
        AND regexp_like(symbol, '^[A-Za-z0-9.=^_-]{1,24}$')
        AND regexp_like("timestamp", '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{6})?Z$')
        AND "timestamp" >= '1970'
        AND coalesce(mode, 'live') IN ('live', 'replay', 'backfill')
        AND regexp_like(price, '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(open, '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(high, '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(low, '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(volume, '0'), '^[0-9]{1,18}([.][0-9]{1,8})?$')
        AND TRY_CAST(price AS decimal(20,8)) > 0
        AND TRY_CAST(open AS decimal(20,8)) > 0
        AND TRY_CAST(low AS decimal(20,8)) > 0
        AND TRY_CAST(high AS decimal(20,8)) >= TRY_CAST(low AS decimal(20,8))
    ) AS plain
    LEFT JOIN (
      SELECT DISTINCT symbol, "timestamp", ${readings_batch} AS batch
      FROM readings
      WHERE (${arrived}) AND bar = '${bar}'
    ) AS told
      ON told.batch = plain.batch AND told.symbol = plain.symbol AND told."timestamp" = plain."start"
    WHERE told.symbol IS NULL AND plain.instant IS NOT NULL
    UNION ALL
    SELECT
      symbol, "timestamp",
      TRY_CAST(open AS decimal(20,8)), TRY_CAST(high AS decimal(20,8)), TRY_CAST(low AS decimal(20,8)),
      TRY_CAST(price AS decimal(20,8)), TRY_CAST(volume AS decimal(26,8)),
      source,
      ${number},
      CAST(NULL AS varchar),
      substr("timestamp", 1, 10)
    FROM readings
    WHERE (${arrived}) AND refused IS NULL AND bar = '${bar}'
      AND TRY_CAST(open AS decimal(20,8)) IS NOT NULL
      AND TRY_CAST(high AS decimal(20,8)) IS NOT NULL
      AND TRY_CAST(low AS decimal(20,8)) IS NOT NULL
      AND TRY_CAST(price AS decimal(20,8)) IS NOT NULL
  ) AS copies
) AS placed
WHERE place = 1
