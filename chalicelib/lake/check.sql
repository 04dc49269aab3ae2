-- Rows that were written of each period, and rows that only one side has.
SELECT ${period} AS period, sum(written) AS written, sum(CASE WHEN wanted = written THEN 0 ELSE 1 END) AS different
FROM (
  SELECT ${columns}, sum(wanted) AS wanted, sum(written) AS written
  FROM (
    SELECT ${columns}, 1 AS wanted, 0 AS written
    FROM (
${rows}
    ) AS expected
    UNION ALL
    SELECT ${columns}, 0, 1
    FROM ${unchecked}
    WHERE run = '${run}'
  ) AS sides
  GROUP BY ${columns}
) AS matched
GROUP BY 1
