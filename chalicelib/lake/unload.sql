UNLOAD (
  SELECT ${columns}
  FROM (
${rows}
  ) AS wanted
  ORDER BY ${order}
)
TO '${location}'
WITH (${properties})
