SELECT
  ${tick}, split, "date"
FROM ticks
WHERE "date" IN (${dates})
