-- Symbols and ticks of each day and time zone: into how many folders it goes, whose sessions it has.
SELECT
  "date",
  CASE
    WHEN symbol LIKE '%=X' THEN '=X'
    WHEN symbol LIKE '%=F' THEN '=F'
    WHEN exchange_timezone IS NULL AND regexp_like(symbol, '^[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)$') THEN 'UTC'
    ELSE coalesce(exchange_timezone, 'America/New_York')
  END AS calendar,
  count(DISTINCT symbol) AS symbols,
  count(*) AS ticks
FROM (
${ticks}
) AS found
GROUP BY 1, 2
