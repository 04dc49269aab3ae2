-- title: Two sources compared
-- description: For minutes in which a symbol's ticks came from two sources, whichever of them its series has: the difference of their last prices in percent, by date of arrival. Of more than eight sources of a symbol and date, those with the most minutes are compared.
-- parameter: start date default=today-7; The first date of arrival (UTC).
-- parameter: end date default=today+2; The date of arrival before which to stop.
-- columns: date, symbol, source, other, minutes, mean_percent, largest_percent
WITH priced AS (
  SELECT "date", symbol, source, minute, price
  FROM (
    SELECT "date", upper(symbol) AS symbol, source, substr("timestamp", 1, 16) AS minute,
      TRY_CAST(price AS double) AS price,
      ROW_NUMBER() OVER (
        PARTITION BY "date", upper(symbol), source, substr("timestamp", 1, 16)
        ORDER BY "timestamp" DESC, sent_at DESC
      ) AS place
    FROM raw_lines
    WHERE "date" >= :start AND "date" < :end AND bar IS NULL AND source <> ''
      AND regexp_like(symbol, '^[A-Za-z0-9.=^_-]{1,24}$')
      AND regexp_like("timestamp", '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$')
      AND regexp_like(price, '^[0-9]{1,12}([.][0-9]{1,8})?$')
  ) AS lines
  WHERE place = 1 AND price > 0
),
ranked AS (
  SELECT "date", symbol, source,
    ROW_NUMBER() OVER (PARTITION BY "date", symbol ORDER BY COUNT(*) DESC, source) AS place
  FROM priced
  GROUP BY "date", symbol, source
),
compared AS (
  SELECT priced."date", priced.symbol, priced.source, priced.minute, priced.price
  FROM priced
  JOIN ranked
    ON ranked."date" = priced."date" AND ranked.symbol = priced.symbol
      AND ranked.source = priced.source
  WHERE ranked.place <= 8
)
SELECT one."date", one.symbol, one.source, another.source AS other,
  COUNT(*) AS minutes,
  AVG(100 * ABS(another.price - one.price) / one.price) AS mean_percent,
  MAX(100 * ABS(another.price - one.price) / one.price) AS largest_percent
FROM compared AS one
JOIN compared AS another
  ON another."date" = one."date" AND another.symbol = one.symbol AND another.minute = one.minute
WHERE one.source < another.source
GROUP BY one."date", one.symbol, one.source, another.source
ORDER BY "date", symbol, source, other
