SELECT
  ${tick}, split, "date"
FROM (
${raw}
) AS wanted
WHERE "date" IN (${dates})
