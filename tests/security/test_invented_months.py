"""A producer's bars of months that there are not: none of them is listed as due for compaction."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.arrivals import ArrivalHours
from rigs.emulated import Emulated
from tests.integration.test_compaction import Lake, bar

ARRIVAL = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)


def test_only_months_that_bars_may_be_of_are_surveyed(emulated: Emulated) -> None:
    lake = Lake(emulated)
    invented = [
        f"{year:04d}-{month:02d}-01" for year in range(0, 9999, 300) for month in range(100)
    ]
    true = ["1970-01-02", "2025-02-28", "2026-10-27", "2026-11-01"]
    days = [day for day in invented if not "1970-01" <= day[:7] <= "2026-11"] + true
    lake.ingest((ARRIVAL, b"\n".join(bar(day, 5) for day in days)))
    survey = lake_sql.raw_bars_survey([ArrivalHours("2026-10-31")])
    assert sorted(row[1] or "" for row in lake.ask(survey)) == [day[:7] for day in true]
