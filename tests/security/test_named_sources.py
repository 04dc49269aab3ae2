"""A record that names thousands of sources for one minute of a symbol, and the report that compares
sources.

Lines of refused ticks are archived as well, so a sender chooses the sources that a report reads.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
import sqlglot

from chalicelib.services.reports.files import Report, all_reports

MOST_PAIRS = 8 * 7 // 2
_ARCHIVED = """CREATE TABLE raw_lines AS
SELECT '2026-11-20' AS "date", 'AAPL' AS symbol, source, NULL AS bar, NULL AS sent_at,
  '2026-11-20T15:' || lpad(CAST(minute AS varchar), 2, '0') || ':00.000000Z' AS "timestamp",
  CAST(100 + minute + length(source) AS varchar) AS price
FROM (
  SELECT 's' || i AS source, 0 AS minute FROM range(?) AS named(i)
  UNION ALL
  SELECT source, minute
  FROM (VALUES ('yfinance'), ('alpaca')) AS honest(source), range(1, 30) AS minutes(minute)
) AS lines"""


def rows_of(report: Report, sources: int) -> list[dict[str, Any]]:
    """Run a report over an archive in which each of so many sources has one price in one minute,
    and two honest ones have 29 each."""
    (statement,) = sqlglot.transpile(report.statement, read="athena", write="duckdb")
    with duckdb.connect() as connection:
        connection.execute(_ARCHIVED, [sources])
        bounds = {"start": "2026-11-20", "end": "2026-11-21"}
        found = connection.execute(statement, [bounds[name] for name in report.order]).fetchall()
    return [dict(zip(report.columns, row, strict=True)) for row in found]


@pytest.mark.parametrize("sources", [6, 7, 2_000])
def test_the_sources_with_the_most_minutes_are_compared_alone(sources: int) -> None:
    (report,) = (one for one in all_reports() if one.name == "sources_compared")
    rows = rows_of(report, sources)
    assert len(rows) <= MOST_PAIRS
    honest = {"source": "alpaca", "other": "yfinance", "minutes": 29}
    assert [row for row in rows if honest.items() <= row.items()]
    assert max(row["minutes"] for row in rows) == 29


def test_pairs_of_up_to_eight_sources_are_all_compared() -> None:
    (report,) = (one for one in all_reports() if one.name == "sources_compared")
    assert len(rows_of(report, 6)) == 6 * 5 // 2 + 1  # the honest two share no minute with others
