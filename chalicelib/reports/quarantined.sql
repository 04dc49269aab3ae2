-- title: Quarantined records
-- description: What could not be read, by date of arrival and reason, each part of a record once.
-- parameter: start date default=today-7; The first trading day.
-- parameter: end date default=today+2; The trading day before which to stop.
-- columns: date, reason, records
SELECT "date", reason, COUNT(*) AS records
FROM (
  SELECT DISTINCT "date", reason, origin, sequence_number, part, line, payload
  FROM quarantine
  WHERE "date" >= :start AND "date" < :end
) AS parts
GROUP BY "date", reason
ORDER BY "date", reason
