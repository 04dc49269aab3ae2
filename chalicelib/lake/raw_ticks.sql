-- Each valid tick of the raw archive once. What a plain line says is read off it; for any other
-- line `readings` says how ingest read it, or that it refused it (docs/lake.md). Of several copies
-- the later in the stream stays: that of the object whose last sequence number is higher.
SELECT
  ${tick}, split, "date", arrived, batch
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY symbol, "timestamp"
      ORDER BY length(number) DESC, number DESC, sent_at DESC, price DESC
    ) AS place
  FROM (
    SELECT
      plain.symbol, plain."timestamp",
      TRY_CAST(plain.price AS decimal(20,8)) AS price,
      TRY_CAST(plain.open AS decimal(20,8)) AS open,
      TRY_CAST(plain.high AS decimal(20,8)) AS high,
      TRY_CAST(plain.low AS decimal(20,8)) AS low,
      TRY_CAST(plain.previous_close AS decimal(20,8)) AS previous_close,
      TRY_CAST(plain.volume AS decimal(26,8)) AS volume,
      plain.currency, plain.exchange_timezone, plain.market_state, plain.source, plain.mode, plain.split,
      CAST(CASE
        WHEN plain.symbol LIKE '%=X' THEN CASE
          WHEN day_of_week(CAST(CAST(plain.instant AT TIME ZONE 'America/New_York' AS timestamp) + INTERVAL '7' HOUR AS date)) <= 5
          THEN CAST(CAST(plain.instant AT TIME ZONE 'America/New_York' AS timestamp) + INTERVAL '7' HOUR AS date)
          ELSE CAST(plain.instant AT TIME ZONE 'America/New_York' AS date)
        END
        WHEN plain.symbol LIKE '%=F' THEN CASE
          WHEN day_of_week(CAST(CAST(plain.instant AT TIME ZONE 'America/New_York' AS timestamp) + INTERVAL '6' HOUR AS date)) <= 5
          THEN CAST(CAST(plain.instant AT TIME ZONE 'America/New_York' AS timestamp) + INTERVAL '6' HOUR AS date)
          ELSE CAST(plain.instant AT TIME ZONE 'America/New_York' AS date)
        END
        WHEN plain.exchange_timezone IN ('UTC', 'Etc/UTC') THEN CAST(plain.instant AT TIME ZONE 'UTC' AS date)
        WHEN plain.exchange_timezone IS NULL AND regexp_like(plain.symbol, '^[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)$')
        THEN CAST(plain.instant AT TIME ZONE 'UTC' AS date)
        WHEN plain.exchange_timezone IS NULL OR plain.exchange_timezone IN ('America/New_York', 'US/Eastern')
        THEN CAST(plain.instant AT TIME ZONE 'America/New_York' AS date)
        WHEN plain.exchange_timezone IN ('Europe/London', 'GB') THEN CAST(plain.instant AT TIME ZONE 'Europe/London' AS date)
        WHEN plain.exchange_timezone IN ('Asia/Hong_Kong', 'Hongkong') THEN CAST(plain.instant AT TIME ZONE 'Asia/Hong_Kong' AS date)
        WHEN plain.exchange_timezone IN ('Europe/Berlin', 'Europe/Paris') THEN CAST(plain.instant AT TIME ZONE 'Europe/Berlin' AS date)
        WHEN plain.exchange_timezone = 'Asia/Tokyo' THEN CAST(plain.instant AT TIME ZONE 'Asia/Tokyo' AS date)
      END AS varchar) AS "date",
      plain.arrived, plain.batch, plain.number, plain.sent_at
    FROM (
      SELECT
        upper(symbol) AS symbol, "timestamp", price, open, high, low, previous_close, volume,
        nullif(currency, '') AS currency,
        nullif(exchange_timezone, '') AS exchange_timezone,
        nullif(market_state, '') AS market_state,
        coalesce(nullif(source, ''), 'unknown') AS source,
        coalesce(mode, 'live') AS mode,
        split,
        sent_at,
        TRY_CAST(concat(substr("timestamp", 1, 10), ' ', substr("timestamp", 12, 8), ' UTC') AS timestamp with time zone) AS instant,
        "date" AS arrived,
        ${raw_batch} AS batch,
        ${number} AS number
      FROM raw_lines
      WHERE (${arrived})
        AND bar IS NULL
        AND regexp_like(symbol, '^[A-Za-z0-9.=^_-]{1,24}$')
        AND regexp_like("timestamp", '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$')
        AND "timestamp" >= '1970'
        AND coalesce(mode, 'live') IN ('live', 'replay', 'backfill')
        AND regexp_like(price, '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(open, '1'), '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(high, '1'), '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(low, '1'), '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(previous_close, '1'), '^[0-9]{1,12}([.][0-9]{1,8})?$')
        AND regexp_like(coalesce(volume, '0'), '^[0-9]{1,18}([.][0-9]{1,8})?$')
        AND TRY_CAST(price AS decimal(20,8)) > 0
        AND coalesce(TRY_CAST(open AS decimal(20,8)), 1) > 0
        AND coalesce(TRY_CAST(previous_close AS decimal(20,8)), 1) > 0
        AND coalesce(TRY_CAST(low AS decimal(20,8)), 1) > 0
        AND coalesce(TRY_CAST(high AS decimal(20,8)), TRY_CAST(low AS decimal(20,8)), 1) > 0
        AND (high IS NULL OR low IS NULL OR TRY_CAST(high AS decimal(20,8)) >= TRY_CAST(low AS decimal(20,8)))
    ) AS plain
    LEFT JOIN (
      SELECT DISTINCT symbol, "timestamp", ${readings_batch} AS batch
      FROM readings
      WHERE (${arrived}) AND bar IS NULL
    ) AS told
      ON told.batch = plain.batch AND told.symbol = plain.symbol AND told."timestamp" = plain."timestamp"
    WHERE told.symbol IS NULL AND plain.instant IS NOT NULL
    UNION ALL
    SELECT
      symbol, "timestamp",
      TRY_CAST(price AS decimal(20,8)), TRY_CAST(open AS decimal(20,8)), TRY_CAST(high AS decimal(20,8)),
      TRY_CAST(low AS decimal(20,8)), TRY_CAST(previous_close AS decimal(20,8)), TRY_CAST(volume AS decimal(26,8)),
      currency, exchange_timezone, market_state, source, mode, split,
      session_date,
      "date",
      ${readings_batch},
      ${number},
      CAST(NULL AS varchar)
    FROM readings
    WHERE (${arrived}) AND refused IS NULL AND bar IS NULL
      AND TRY_CAST(price AS decimal(20,8)) IS NOT NULL
  ) AS copies
) AS placed
WHERE place = 1 AND "date" IS NOT NULL
