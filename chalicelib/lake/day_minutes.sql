-- One-minute bars of compacted days, by the rules of chalicelib/domain/building.py.
SELECT
  symbol,
  "minute" AS "start",
  min_by(price, "timestamp") AS open,
  max(price) AS high,
  min(price) AS low,
  max_by(price, "timestamp") AS close,
  CASE
    WHEN sum(traded) > CAST('999999999999999999.99999999' AS decimal(26,8))
    THEN CAST('999999999999999999.99999999' AS decimal(26,8))
    ELSE TRY_CAST(sum(traded) AS decimal(26,8))
  END AS volume,
  count(*) AS ticks,
  min_by(source, "timestamp") AS source,
  extended,
  "date"
FROM (
  SELECT
    symbol, "timestamp", price, source, extended, "date", "minute",
    CASE
      WHEN volume IS NULL THEN NULL
      WHEN told_before IS NOT NULL AND NOT extended
      THEN greatest(volume - told_before, CAST(0 AS decimal(26,8)))
      WHEN volume_before IS NOT NULL AND extended AND extended_before AND coalesce(origin = origin_before, true)
      THEN greatest(volume - volume_before, CAST(0 AS decimal(26,8)))
      WHEN opens = "minute" AND NOT extended THEN volume
      ELSE CAST(0 AS decimal(26,8))
    END AS traded
  FROM (
    SELECT
      *,
      lag(volume) IGNORE NULLS OVER (PARTITION BY symbol, "date", extended, run ORDER BY "timestamp") AS told_before
    FROM (
      SELECT
        *,
        sum(CASE WHEN origin <> named_before THEN 1 ELSE 0 END)
          OVER (PARTITION BY symbol, "date", extended ORDER BY "timestamp" ROWS UNBOUNDED PRECEDING) AS run
      FROM (
        SELECT
          *,
          lag(origin) IGNORE NULLS OVER (PARTITION BY symbol, "date", extended ORDER BY "timestamp") AS named_before,
          lag(origin) OVER (PARTITION BY symbol, "date" ORDER BY "timestamp") AS origin_before,
          lag(volume) OVER (PARTITION BY symbol, "date" ORDER BY "timestamp") AS volume_before,
          lag(extended) OVER (PARTITION BY symbol, "date" ORDER BY "timestamp") AS extended_before
        FROM (
          SELECT
            t.symbol, t."timestamp", t.price, t.volume, t.source, t."date",
            CASE WHEN t.source LIKE 'yfinance%' THEN 'yfinance' ELSE nullif(t.source, 'unknown') END AS origin,
            concat(substr(t."timestamp", 1, 17), '00.000000Z') AS "minute",
            coalesce(concat(substr(s.regular_from, 1, 17), '00.000000Z'), concat(t."date", 'T00:00:00.000000Z')) AS opens,
            CASE
              WHEN t.market_state IS NOT NULL THEN t.market_state LIKE '%PRE%' OR t.market_state LIKE '%POST%'
              ELSE coalesce(s.trades, 0) = 1 AND (t."timestamp" < s.regular_from OR t."timestamp" > s.regular_until)
            END AS extended
          FROM ticks AS t
          LEFT JOIN (
            VALUES
              ('', '', '', '', 0)${sessions}
          ) AS s ("date", calendar, regular_from, regular_until, trades)
            ON s."date" = t."date"
            AND s.calendar = CASE
              WHEN t.symbol LIKE '%=X' THEN '=X'
              WHEN t.symbol LIKE '%=F' THEN '=F'
              WHEN t.exchange_timezone IS NULL AND regexp_like(t.symbol, '^[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)$') THEN 'UTC'
              ELSE coalesce(t.exchange_timezone, 'America/New_York')
            END
          WHERE t."date" IN (${dates})
        ) AS flagged
      ) AS named
    ) AS divided
  ) AS ordered
) AS trades
GROUP BY symbol, "minute", extended, "date"
