"""Futures trade from 18:00 to 17:00 in New York: the evening belongs to the next day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import make_tick
from tests.unit.domain.watched import Watched

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def tick(at: str, price: int, **fields: Any) -> Tick:
    """A quote as Yahoo gives it, with the session's own open, high, low and volume."""
    return make_tick(
        price,
        timestamp=to_text(new_york(at)),
        symbol="ES=F",
        market_state="REGULAR",
        source="yfinance",
        **fields,
    )


@pytest.mark.parametrize(
    ("instant", "session_date", "state"),
    [
        ("2026-11-22T17:59:59", "2026-11-22", "CLOSED"),  # Sunday
        ("2026-11-22T18:00", "2026-11-23", "REGULAR"),
        ("2026-11-23T17:00", "2026-11-23", "REGULAR"),
        ("2026-11-23T17:30", "2026-11-23", "CLOSED"),
        ("2026-11-23T18:00", "2026-11-24", "REGULAR"),
        ("2026-11-24T03:00", "2026-11-24", "REGULAR"),
        ("2026-11-27T17:00", "2026-11-27", "REGULAR"),  # Friday
        ("2026-11-27T18:30", "2026-11-27", "CLOSED"),
        ("2026-11-28T12:00", "2026-11-28", "CLOSED"),
        ("2026-03-08T18:00", "2026-03-09", "REGULAR"),  # clocks went forward that day
    ],
)
def test_a_future_belongs_to_the_day_on_which_its_session_ends(
    instant: str, session_date: str, state: str
) -> None:
    calendar = calendar_for("ES=F", "America/New_York")
    assert calendar.session_at(new_york(instant)).date == date.fromisoformat(session_date)
    assert calendar.market_state(new_york(instant)) == state


def test_futures_open_again_an_hour_after_their_close_and_on_sunday() -> None:
    calendar = calendar_for("ES=F", None)
    assert calendar.next_open(new_york("2026-11-24T17:30")) == new_york("2026-11-24T18:00")
    assert calendar.next_open(new_york("2026-11-27T17:00")) == new_york("2026-11-29T18:00")


def test_the_evening_session_leaves_the_day_that_has_ended_as_it_was() -> None:
    watched = Watched()
    day = {"open": 5000, "high": 5100, "low": 4900}
    watched.feed(
        [
            tick("2026-11-18T10:00", 5010, volume=300_000, open=5000, high=5020, low=4990),
            tick("2026-11-18T16:59", 4905, volume=1_500_000, **day),
            tick("2026-11-18T17:20", 4906, volume=1_500_001, **day),  # a late print
            tick("2026-11-18T18:30", 4950, volume=12_000, open=4940, high=4955, low=4938),
            tick("2026-11-19T10:00", 4960, volume=400_000, open=4940, high=4970, low=4930),
            tick("2026-11-19T18:01", 4962, volume=10, open=4962, high=4962, low=4962),
        ]
    )
    rows = watched.stores.bars.bars("ES=F", "1d", None, None, limit=9).rows
    assert [
        (bar.start[:10], *map(int, (bar.open, bar.high, bar.low, bar.close, bar.volume or 0)))
        for bar in rows
    ] == [
        ("2026-11-18", 5000, 5100, 4900, 4906, 1_500_001),
        ("2026-11-19", 4940, 4970, 4930, 4960, 400_000),
    ]
