"""Makes corporate actions, and AAPL's days as they were traded, across two splits."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

from chalicelib.domain.actions import Action
from chalicelib.domain.bars import Bar
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import DATA, FakeServices
from tests.factories import NEVER

KNOWN_AT = "2026-11-20T14:00:00.000000Z"

SPLITS = {"2014-06-09": "7:1", "2020-08-31": "4:1"}

DIVIDENDS = {
    "2015-05-07": "0.52",
    "2015-08-06": "0.52",
    "2015-11-05": "0.52",
    "2016-02-04": "0.52",
    "2016-05-05": "0.57",
    "2016-08-04": "0.57",
    "2016-11-03": "0.57",
}
"""AAPL's dividends within the recorded days, in dollars a share of that time."""


def make_split(ex_date: str, ratio: str, **fields: Any) -> Action:
    """Return a split."""
    given = {"symbol": "AAPL", "known_at": KNOWN_AT, "source": "alpaca", **fields}
    return Action(kind="split", ex_date=ex_date, ratio=ratio, **given)


def make_dividend(ex_date: str, amount: object, previous_close: object, **fields: Any) -> Action:
    """Return a dividend."""
    given = {"symbol": "AAPL", "known_at": KNOWN_AT, "source": "alpaca", **fields}
    return Action(
        kind="dividend",
        ex_date=ex_date,
        amount=Decimal(str(amount)),
        previous_close=Decimal(str(previous_close)),
        **given,
    )


def aapl_days(source: str = "alpaca") -> list[Bar]:
    """Return AAPL's recorded days in order, with prices as they were traded."""
    rows = []
    for name in ("aapl-splits.csv", "aapl-daily-2015-2017.csv"):
        with (DATA / name).open() as file:
            rows += list(csv.DictReader(file))
    return [
        Bar(
            symbol="AAPL",
            interval="1d",
            start=f"{row['date']}T00:00:00.000000Z",
            source=source,
            open=Decimal(row["open"]),
            high=Decimal(row["high"]),
            low=Decimal(row["low"]),
            close=Decimal(row["close"]),
            volume=Decimal(row["volume"]),
        )
        for row in sorted(rows, key=lambda row: row["date"])
    ]


def aapl_actions(days: list[Bar]) -> list[Action]:
    """Return AAPL's splits and dividends within those days."""
    closes = {bar.start[:10]: bar.close for bar in days}
    found = [make_split(*item) for item in SPLITS.items()]
    for day, amount in DIVIDENDS.items():
        before = max(date for date in closes if date < day)
        found.append(make_dividend(day, amount, closes[before]))
    return found


def with_history(
    services: FakeServices, days: list[Bar], actions: list[Action], switches: str | None = None
) -> None:
    """Store days as history, and corporate actions."""
    stores, source = services.stores, days[0].source
    stores.bars.write_history(days, KNOWN_AT, NEVER)
    stores.symbols.put(
        "seen", SymbolEntry(symbol="AAPL", added_at=KNOWN_AT, source=source, switches=switches)
    )
    assert not stores.actions.record(actions, NEVER).conflicts
