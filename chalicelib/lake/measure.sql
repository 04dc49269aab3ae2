-- Symbols and ticks of each day and time zone: into how many folders it goes, whose sessions it has.
-- Names that are no time zone's are UTC's, as in chalicelib/domain/sessions.py.
SELECT
  "date",
  CASE
    WHEN symbol LIKE '%=X' THEN '=X'
    WHEN symbol LIKE '%=F' THEN '=F'
    WHEN exchange_timezone IS NULL AND regexp_like(symbol, '^[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)$') THEN 'UTC'
    WHEN exchange_timezone IS NULL THEN 'America/New_York'
    WHEN exchange_timezone IN (${zones}) THEN exchange_timezone
    ELSE 'UTC'
  END AS calendar,
  count(DISTINCT symbol) AS symbols,
  count(*) AS ticks
FROM (
${ticks}
) AS found
GROUP BY 1, 2
