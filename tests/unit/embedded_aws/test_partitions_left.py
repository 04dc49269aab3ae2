"""How many partitions of a projected table a filter selects: spans of values are tried first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from embedded_aws.athena.engine import requests
from embedded_aws.athena.engine.requests import partitions_left

DAYS = [(date(2026, 1, 1) + timedelta(n)).isoformat() for n in range(100)]
HOURS = [f"{hour:02}" for hour in range(24)]
VALUES = {"date": DAYS, "hour": HOURS}
SCHEMA = pa.schema([("price", pa.float64()), ("date", pa.string()), ("hour", pa.string())])
DATE, HOUR, PRICE = pc.field("date"), pc.field("hour"), pc.field("price")
BOTH = ("date", "hour")


@pytest.mark.parametrize(
    ("condition", "mentioned"),
    [
        (DATE == "2026-02-01", ["date"]),
        (DATE != "2026-02-01", ["date"]),
        (DATE > "2027", ["date"]),
        (DATE.isin(["2026-01-01", "2026-04-10", "2020-01-01"]), ["date"]),
        (HOUR == "03", ["hour"]),
        ((DATE >= "2026-02-01") & (DATE < "2026-02-10") & (HOUR >= "12"), BOTH),
        ((DATE >= "2026-04-01") | (HOUR == "03"), BOTH),
    ],
)
def test_as_many_are_left_as_rows_of_partitions_pass(
    condition: Any, mentioned: Collection[str]
) -> None:
    days, hours = zip(*product(DAYS, HOURS), strict=True)
    rows = pa.table({"price": [1.0] * len(days), "date": days, "hour": hours})
    assert partitions_left(VALUES, SCHEMA, condition, mentioned) == len(rows.filter(condition))


def test_a_condition_on_rows_excludes_no_partition() -> None:
    condition = (DATE == "2026-02-01") | (PRICE > 3)
    assert partitions_left(VALUES, SCHEMA, condition, ["date"]) == len(DAYS) * len(HOURS)


def test_numbers_are_compared_as_numbers() -> None:
    values = {"year": [str(year) for year in range(950, 1050)]}
    schema = pa.schema([("year", pa.int64())])
    assert partitions_left(values, schema, pc.field("year") >= 1000, ["year"]) == 50


def test_a_day_is_found_without_trying_each(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    left = requests.consistent

    def counted(found: Any, *given: Any) -> list[int]:
        tried.append(len(found))
        return left(found, *given)

    monkeypatch.setattr(requests, "consistent", counted)
    assert partitions_left(VALUES, SCHEMA, DATE == "2026-02-01", ["date"]) == len(HOURS)
    assert tried == [4, requests.SPAN]
