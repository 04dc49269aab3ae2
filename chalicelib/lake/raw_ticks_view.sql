-- Lines that are ticks; historical bars are lines of raw_lines too.
SELECT
  ${tick}, sent_at, "date", "hour"
FROM raw_lines
WHERE bar IS NULL
