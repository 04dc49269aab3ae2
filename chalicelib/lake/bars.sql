-- Historical bars, each once: compacted ones, and those that have arrived since. Of several copies
-- the later in the stream stays.
SELECT symbol, "start", open, high, low, close, volume, source, "date"
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY symbol, "start", "date"
      ORDER BY length(number) DESC, number DESC, kept DESC
    ) AS choice
  FROM (
    SELECT symbol, "start", open, high, low, close, volume, source, number, "date", 0 AS kept
    FROM (
${raw_bars}
    ) AS newer
    UNION ALL
    SELECT symbol, "start", open, high, low, close, volume, source, number, "date", 1
    FROM history_${bar}
  ) AS merged
) AS chosen
WHERE choice = 1
