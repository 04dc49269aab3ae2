"""History and live bars make one series: without a seam, without a double, in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import NEVER, make_tick
from tests.unit.domain.watched import ARRIVAL, Watched

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def historical(minutes: range, price: int = 50) -> list[Bar]:
    """Historical 1m bars."""
    return [
        Bar(
            symbol="AAPL",
            interval="1m",
            start=to_text(OPEN + timedelta(minutes=minute)),
            open=Decimal(price),
            high=Decimal(price + 1),
            low=Decimal(price - 1),
            close=Decimal(price),
            volume=Decimal(100),
            session_date="2026-11-20",
            source="replay",
        )
        for minute in minutes
    ]


def live(minutes: range, price: int = 60) -> list[Tick]:
    """One tick in each minute."""
    return [
        make_tick(
            price,
            timestamp=to_text(OPEN + timedelta(minutes=m, seconds=20)),
            market_state="REGULAR",
        )
        for m in minutes
    ]


def minutes(watched: Watched) -> list[Bar]:
    """Stored minutes and the running one."""
    page = watched.stores.bars.bars("AAPL", "1m", None, None, limit=1000)
    state = watched.stores.state.get("AAPL")
    running = [state.minute] if state and state.minute else []
    return [*page.rows, *running]


def test_live_goes_on_where_history_ends() -> None:
    watched = Watched()
    watched.stores.bars.write_history(historical(range(5)), ARRIVAL, NEVER)
    watched.feed(live(range(5, 9)))
    starts = [bar.start for bar in minutes(watched)]
    assert starts == [to_text(OPEN + timedelta(minutes=m)) for m in range(9)]
    assert [bar.close for bar in minutes(watched)] == [50] * 5 + [60] * 4


@pytest.mark.parametrize("history_first", [True, False])
def test_history_wins_over_bars_from_ticks_in_any_order(history_first: bool) -> None:
    watched = Watched()
    if history_first:
        watched.stores.bars.write_history(historical(range(5)), ARRIVAL, NEVER)
    watched.feed(live(range(2, 9)))
    if not history_first:
        watched.stores.bars.write_history(historical(range(5)), ARRIVAL, NEVER)
    assert [bar.close for bar in minutes(watched)] == [50] * 5 + [60] * 4
    assert len({bar.start for bar in minutes(watched)}) == 9


def test_late_tick_does_not_touch_a_historical_bar() -> None:
    watched = Watched()
    watched.stores.bars.write_history(historical(range(5)), ARRIVAL, NEVER)
    watched.feed([*live(range(5, 7)), *live(range(3, 4), price=99)])
    assert minutes(watched)[3] == historical(range(3, 4))[0]


def test_hour_is_made_of_history_and_live_minutes() -> None:
    watched = Watched()
    watched.stores.bars.write_history(historical(range(40)), ARRIVAL, NEVER)
    watched.feed(live(range(40, 62)))
    (hour,) = watched.stores.bars.bars("AAPL", "1h", None, None, limit=10).rows
    assert hour.start == to_text(OPEN)
    assert (hour.open, hour.high, hour.low, hour.close) == (50, 60, 49, 60)
    assert hour.ticks == 20


def test_bars_that_overlap_a_restart_are_corrected_by_its_backfill() -> None:
    watched = Watched()
    watched.feed(live(range(3)))
    watched.feed(live(range(10, 12)))
    watched.stores.bars.write_history(historical(range(11)), ARRIVAL, NEVER)
    assert [bar.close for bar in minutes(watched)] == [50] * 11 + [60]
