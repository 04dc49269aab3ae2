-- Days that are compacted, those of small months out of the months' files, and the raw ticks of
-- later ones. compact moves the boundary and lists the months.
SELECT
  ${tick}, "date"
FROM ticks
WHERE "date" <= '${compacted_until}'${by_day}
UNION ALL
SELECT
  ${tick}, "date"
FROM ticks_by_month
WHERE "month" IN (${months})
UNION ALL
SELECT
  ${tick}, "date"
FROM (
${raw}
) AS newer
WHERE "date" > '${compacted_until}'
