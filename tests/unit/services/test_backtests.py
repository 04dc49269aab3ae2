"""Over which bars a preview is tried, and where its fires are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.backtest import Backtest, TradingCosts
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.rules.backtests import backtest_of
from tests.factories import make_tick
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import days, preview, rule, with_history

FREE = TradingCosts(hold_bars=2, fee_percent=0, slippage_percent=0)


def tick(hour: int, minute: int, price: int, state: str = "REGULAR", day: int = 20) -> Tick:
    stamp = to_text(datetime(2026, 11, day, hour, minute, tzinfo=UTC))
    return make_tick(price, timestamp=stamp, market_state=state)


def tried(watched: Watched, start: str | None = None) -> Backtest:
    one = watched.rules[0]
    return backtest_of(watched.stores, one, preview(watched, one), start, FREE)


SESSION = [tick(14, 30 + minute, 111 + minute) for minute in range(10)]


def test_a_fire_before_the_open_buys_at_the_open() -> None:
    watched = Watched(rule("close > 105"))
    watched.feed([tick(13, 0, 100, "PRE"), tick(14, 0, 110, "PRE"), *SESSION])
    found = tried(watched)
    assert (found.fires, found.rule.trades, found.rule.return_percent) == (1, 1, 1.8018)
    watched = Watched(rule("close > 105"))
    yesterday = [tick(20, 58, 100, day=19), tick(20, 59, 100, day=19)]
    watched.feed([*yesterday, tick(14, 0, 110, "PRE"), *SESSION])
    found = tried(watched)
    assert (found.fires, found.rule.trades, found.rule.return_percent) == (1, 1, 1.8018)


def test_a_fire_in_the_running_minute_or_day_is_at_its_bar() -> None:
    watched = Watched(rule("close > 115"))
    watched.feed(SESSION[:6])
    assert [point.timestamp[14:16] for point in tried(watched).curve] == [
        "30", "31", "32", "33", "34", "35",
    ]  # fmt: skip
    assert (tried(watched).fires, tried(watched).rule.trades) == (1, 0)
    watched = Watched(rule("close > 115", "1d"))
    with_history(watched, days(3))
    watched.feed([*SESSION, tick(21, 5, 120, "POST")])
    found = tried(watched)
    assert (found.fires, found.bars, found.after[0].returns.count) == (1, 4, 0)


@pytest.mark.parametrize(("interval", "bars"), [("1wk", 12), ("1mo", 3), ("5m", 1)])
def test_bars_in_progress_are_not_among_those_tried(interval: str, bars: int) -> None:
    watched = Watched(rule("close > 1", interval))
    if interval != "5m":
        with_history(watched, days(60))
    watched.feed(SESSION)
    assert tried(watched).bars == preview(watched, watched.rules[0]).judged == bars


def test_a_range_that_begins_within_a_bar_has_all_of_it() -> None:
    watched = Watched(rule("close > 1", "1wk"))
    with_history(watched, days(60))
    watched.feed(SESSION)
    found = tried(watched, "2026-10-07T00:00:00.000000Z")  # a Wednesday
    assert found.curve[0].timestamp == "2026-10-05T00:00:00.000000Z"
