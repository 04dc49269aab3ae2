-- The bars of some periods: those in the table, and those that have arrived since.
SELECT ${bar_columns}, number, "date"
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY symbol, "start" ORDER BY length(number) DESC, number DESC, kept DESC
    ) AS choice
  FROM (
    SELECT ${bar_columns}, number, "date", 0 AS kept
    FROM (
${raw_bars}
    ) AS newer
    WHERE ${period_sql} IN (${periods})
    UNION ALL
    SELECT ${bar_columns}, number, "date", 1
    FROM history_${bar}
    WHERE "${period}" IN (${periods})
  ) AS merged
) AS chosen
WHERE choice = 1
