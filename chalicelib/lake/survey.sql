-- The trading days that raw objects hold ticks of, when those arrived, and in which objects.
SELECT DISTINCT "date", arrived, ${batch} AS batch
FROM (
${raw}
) AS found
