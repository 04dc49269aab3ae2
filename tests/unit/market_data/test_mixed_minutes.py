"""A bar is regular or extended as its ticks are, also within one minute and in whatever batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.market_data.queries import PriceQuery, Range
from chalicelib.services.market_data.series import Series
from tests.factories import instant, make_tick
from tests.unit.domain.watched import Watched

BATCHES = (1, 2, 3, 4, 12)
OPEN = instant(-3600)  # 14:30Z, a Friday in New York
CLOSE = OPEN + timedelta(hours=6, minutes=30)

EVENING = [
    *((-3500 + 500 * n, 100, "REGULAR", 1000 + n) for n in range(7)),
    (1.2, 101, "REGULAR", 2000),
    (20, 120, "POST", 2000),
    (40, 102, "REGULAR", 2300),
    (70, 119, "POST", 2300),
    (4000, 118, "POST", 2300),
]
MORNING = [
    (-90, 99, "PRE", 0),
    (2, 98, "PRE", 0),
    (5, 100, "REGULAR", 50),
    (8, 97, "PRE", 50),
    (61, 101, "REGULAR", 80),
    (3700, 102, "REGULAR", 90),
]


def ticks_around(moment: datetime, rows: Sequence[tuple[float, int, str, int]]) -> list[Tick]:
    """Ticks at seconds from an instant, with price, market state and cumulative volume."""
    return [
        make_tick(
            price,
            timestamp=to_text(moment + timedelta(seconds=second)),
            market_state=state,
            volume=volume,
        )
        for second, price, state, volume in rows
    ]


def shown(bar: Bar) -> tuple[str, str, Decimal, Decimal, Decimal, Decimal | None, int]:
    """Start, kind, high, low, close, volume and ticks."""
    kind = "extended" if bar.extended else "regular"
    return bar.start[11:16], kind, bar.high, bar.low, bar.close, bar.volume, bar.ticks


def bars(watched: Watched, interval: str) -> list[tuple[object, ...]]:
    """Return what a reader gets, including the running bars."""
    series = Series(watched.stores)
    query = PriceQuery(symbol="AAPL", interval=interval, limit=500)  # type: ignore[arg-type]
    return [shown(bar) for bar in series.bars(query, series.known("AAPL")).rows]


@pytest.mark.parametrize("batch", BATCHES)
def test_the_minute_of_the_closing_auction_has_a_regular_bar_and_an_extended_one(
    batch: int,
) -> None:
    watched = Watched()
    watched.feed(ticks_around(CLOSE, EVENING), batch)
    assert bars(watched, "1m")[-4:-2] == [
        ("21:00", "regular", 102, 101, 102, 1294, 2),
        ("21:00", "extended", 120, 120, 120, 0, 1),
    ]
    assert [row[:2] + row[-1:] for row in bars(watched, "1h")] == [
        ("19:30", "regular", 4),
        ("20:30", "regular", 5),
        ("21:00", "extended", 2),
        ("22:00", "extended", 1),
    ]
    day = bars(watched, "1d")
    assert [(row[1], row[4], row[-1]) for row in day] == [("regular", 102, 9)]


@pytest.mark.parametrize("batch", BATCHES)
def test_quotes_before_the_open_are_not_part_of_the_first_bars(
    batch: int,
) -> None:
    watched = Watched()
    watched.feed(ticks_around(OPEN, MORNING), batch)
    assert bars(watched, "1m")[:3] == [
        ("14:28", "extended", 99, 99, 99, 0, 1),
        ("14:30", "regular", 100, 100, 100, 50, 1),
        ("14:30", "extended", 98, 97, 97, 0, 2),
    ]
    assert [row[:2] + row[-1:] for row in bars(watched, "1h")] == [
        ("13:30", "extended", 1),
        ("14:30", "regular", 2),
        ("14:30", "extended", 2),
        ("15:30", "regular", 1),
    ]


@pytest.mark.parametrize("interval", ["5m", "15m", "30m"])
def test_coarser_bars_keep_the_kinds_apart(interval: str) -> None:
    watched = Watched()
    watched.feed(ticks_around(CLOSE, EVENING), 3)
    around = [row for row in bars(watched, interval) if row[0] == "21:00"]
    assert [(row[1], row[-1]) for row in around] == [("regular", 2), ("extended", 2)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("interval", ["1m", "5m", "1h"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_walk_has_each_bar_of_both_kinds_once(interval: str, size: int, descending: bool) -> None:
    watched = Watched()
    watched.feed(ticks_around(OPEN, MORNING) + ticks_around(CLOSE, EVENING), 4)
    series = Series(watched.stores)
    known = series.known("AAPL")
    query = PriceQuery(symbol="AAPL", interval=interval, limit=500, descending=descending)  # type: ignore[arg-type]
    whole = series.bars(query, known).rows
    walked: list[Bar] = []
    cursor = None
    while True:
        part = PriceQuery(
            symbol="AAPL",
            interval=interval,  # type: ignore[arg-type]
            limit=size,
            descending=descending,
            cursor=cursor,
        )
        page = series.bars(part, known)
        walked += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    assert walked == whole
    assert sorted(whole, key=lambda bar: bar.key, reverse=descending) == whole


def test_a_range_that_ends_with_the_regular_minute_has_both_its_bars() -> None:
    watched = Watched()
    watched.feed(ticks_around(CLOSE, EVENING), 4)
    series = Series(watched.stores)
    reach = Range(to_text(CLOSE), to_text(CLOSE + timedelta(minutes=1)))
    query = PriceQuery(symbol="AAPL", interval="1m", range=reach)
    assert [bar.extended for bar in series.bars(query, series.known("AAPL")).rows] == [False, True]


def test_a_tick_corrected_to_extended_leaves_no_regular_bar() -> None:
    watched = Watched()
    ticks = ticks_around(OPEN, [(5, 100, "REGULAR", 5), (65, 90, "REGULAR", 7)])
    later = ticks_around(OPEN, [(125, 101, "REGULAR", 9), (3700, 102, "REGULAR", 9)])
    watched.feed([*ticks, *later], 2)
    watched.feed(ticks_around(OPEN, [(65, 90, "PRE", 7)]))
    assert [row[:2] for row in bars(watched, "1m")] == [
        ("14:30", "regular"),
        ("14:31", "extended"),
        ("14:32", "regular"),
        ("15:31", "regular"),
    ]
    assert [row[:2] + row[-1:] for row in bars(watched, "1h")] == [
        ("14:30", "regular", 2),
        ("14:30", "extended", 1),
        ("15:30", "regular", 1),
    ]
    assert bars(watched, "1d")[0][3] == 100


def test_the_last_hour_and_the_day_go_when_their_only_tick_moves() -> None:
    watched = Watched()
    watched.feed(ticks_around(OPEN, [(5, 100, "REGULAR", 5), (86400 * 3, 90, "REGULAR", 7)]), 1)
    watched.feed(ticks_around(OPEN, [(5, 100, "PRE", 5)]))
    assert [row[:2] for row in bars(watched, "1h")] == [
        ("14:30", "extended"),
        ("14:30", "regular"),
    ]
    assert len(bars(watched, "1d")) == 1
