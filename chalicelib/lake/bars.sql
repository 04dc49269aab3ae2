-- Historical bars, each once: compacted ones, and those that have arrived since. Of several copies
-- the later in the stream stays.
SELECT ${bar_columns}, "date"
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY symbol, "start", "date"
      ORDER BY length(number) DESC, number DESC, kept DESC
    ) AS choice
  FROM (
    SELECT ${bar_columns}, number, "date", 0 AS kept
    FROM (
${raw_bars}
    ) AS newer
    UNION ALL
    SELECT ${bar_columns}, number, "date", 1
    FROM history_${bar}
  ) AS merged
) AS chosen
WHERE choice = 1
