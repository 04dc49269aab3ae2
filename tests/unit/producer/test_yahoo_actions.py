"""Splits and dividends in Yahoo's history, which is adjusted for all splits up to now."""

from __future__ import annotations

from decimal import Decimal
from itertools import cycle
from typing import Any

import pandas as pd

from producer.malformed import flaw_of
from producer.sources.yahoo_actions import actions_in, dividend_in
from tests.producer_support.doubles import make_wire_tick

KNOWN_AT = "2026-11-20T14:00:00.000000Z"


def frame(rows: dict[str, tuple[float, float, float]]) -> Any:
    """A frame of yfinance's: of each day the close, dividend and split."""
    days = pd.DatetimeIndex(list(rows), tz="America/New_York")
    return pd.DataFrame(list(rows.values()), days, ["Close", "Dividends", "Stock Splits"])


def told(rows: dict[str, tuple[float, float, float]]) -> list[tuple[str, object]]:
    ticks = actions_in("AAPL", frame(rows), KNOWN_AT)
    assert all(flaw_of(tick) is None and tick.timestamp == KNOWN_AT for tick in ticks)
    found = [tick.action for tick in ticks if tick.action is not None]
    assert {one.source for one in found} <= {"yfinance"}
    return [(one.ex_date, one.ratio or (str(one.amount), str(one.previous_close))) for one in found]


def test_numbers_are_those_of_the_ex_date() -> None:
    """AAPL's dividend of August 2020 as Yahoo lists it after the split of 4:1."""
    assert told(
        {
            "2020-08-06": (113.9025, 0, 0),
            "2020-08-07": (111.1125, 0.205, 0),
            "2020-08-28": (124.8075, 0, 0),
            "2020-08-31": (129.04, 0, 4),
            "2020-11-05": (119.03, 0, 0),
            "2020-11-06": (118.69, 0.205, 0),
        }
    ) == [
        ("2020-08-07", ("0.82", "455.61")),
        ("2020-08-31", "4:1"),
        ("2020-11-06", ("0.205", "119.03")),
    ]


def test_a_dividend_on_the_day_of_a_split_is_in_new_shares() -> None:
    rows = {"2026-03-03": (10.0, 0, 0), "2026-03-04": (10.0, 0.5, 0.1)}
    assert told(rows) == [("2026-03-04", "1:10"), ("2026-03-04", ("0.5", "10"))]


def test_the_newest_two_thousand_actions_are_told() -> None:
    days = [day.date().isoformat() for day in pd.date_range("2000-01-01", periods=2_600)]
    rows = {day: (float("nan"), 0.5, ratio) for day, ratio in zip(days, cycle((2.0, 0.5)))}
    found = told({"1999-12-31": (10.0, 0, 0)} | rows)
    assert [day for day, _ in found] == [day for day in days[-1_000:] for _ in range(2)]


def test_days_without_a_close_and_a_dividend_before_all_closes() -> None:
    nan = float("nan")
    rows = {
        "2026-03-02": (nan, 0.3, 0),
        "2026-03-03": (10.0, 0.5, nan),
        "2026-03-04": (nan, 1.0, 0),
    }
    assert told(rows) == [("2026-03-04", ("1", "10"))]


def test_a_frame_without_actions_has_none() -> None:
    assert actions_in("AAPL", pd.DataFrame({"Close": [1.0]}), KNOWN_AT) == []


def test_a_quote_tells_its_sessions_dividend_once() -> None:
    tick = make_wire_tick(
        "AAPL",
        timestamp="2026-11-20T15:30:00.000000Z",
        previous_close=Decimal("119.03"),
        exchange_timezone="America/New_York",
    )
    tick.dividend = Decimal("0.205")
    action = dividend_in(tick, KNOWN_AT)
    assert action is not None
    assert (action.ex_date, str(action.amount)) == ("2026-11-20", "0.205")
    assert (action.previous_close, action.known_at) == (Decimal("119.03"), KNOWN_AT)
    assert dividend_in(tick, KNOWN_AT) is None
