-- Which trading days raw objects hold ticks of, and when those arrived.
SELECT "date", arrived
FROM (
${raw}
) AS found
GROUP BY "date", arrived
