"""Splits in odd places: each fault that was found, in several cuts of its ticks into batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import NEVER, make_bar, make_rule, make_tick
from tests.unit.domain.watched import ARRIVAL, Watched

FRIDAY = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CUTS = (1, 2, 3, 100)


def at(moment: datetime, price: object, state: str = "REGULAR", **fields: Any) -> Tick:
    """A tick in regular hours, or in others."""
    return make_tick(price, timestamp=to_text(moment), market_state=state, **fields)


def after(moment: datetime, **length: float) -> datetime:
    """A moment so much later."""
    return moment + timedelta(**length)


def fired(ticks: list[Tick], batch: int, *rules: Rule) -> list[tuple[str, str]]:
    """Rule and price of what fires."""
    watched = Watched(*rules)
    watched.feed(ticks, batch)
    return [(alert.rule_id, str(alert.price)) for alert in watched.fired()]


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize(
    ("before", "ratio"),
    [("0.00001", "5000:1"), ("0.00000001", "999999:1"), ("999999999999", "1:999999")],
)
def test_no_split_makes_detect_fail(before: str, ratio: str, batch: int) -> None:
    move = make_rule("moving_percent", rule_id="move", value=5, window=1)
    ticks = [at(FRIDAY, before), at(MONDAY, "0.01", split=ratio)]
    ticks += [at(after(MONDAY, minutes=n), "0.02") for n in (1, 2)]
    watched = Watched(move)
    watched.feed(ticks, batch)
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert state.last_timestamp == ticks[-1].timestamp
    assert min(state.closes) > 0
    assert [(alert.rule_id, str(alert.price)) for alert in watched.fired()] == [("move", "0.01")]


def test_a_zero_price_of_an_older_version_in_a_window_is_ignored() -> None:
    watched = Watched(make_rule("moving_percent", value=5, window=1))
    watched.feed([at(FRIDAY, 1)])
    state = watched.stores.state.get("AAPL")
    assert state is not None
    watched.stores.state.put(msgspec.structs.replace(state, closes=(Decimal(0),)))
    watched.feed([at(after(FRIDAY, minutes=n), 1) for n in (1, 2)])
    assert watched.fired() == []


def minutes(moment: datetime, *prices: object, state: str = "REGULAR", **fields: Any) -> list[Tick]:
    """A tick a minute from a moment on."""
    return [at(after(moment, minutes=n), price, state, **fields) for n, price in enumerate(prices)]


def closes_of(watched: Watched) -> list[Decimal]:
    """The newest prices, counted as after all splits."""
    state = watched.stores.state.get("AAPL")
    assert state is not None
    return list(state.closes)


EVENING = after(FRIDAY, minutes=-4)
PRE = after(MONDAY, minutes=-10)
ON_TICKS = (
    make_rule("crossing_down", rule_id="level", value=150),
    make_rule("less_than", rule_id="below", value=150),
    make_rule("moving_percent", rule_id="move", value=20, window=1),
    make_rule("death_cross", rule_id="cross", value=None, fast=1, slow=3),
)


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize("told", [{"split": "2:1"}, {"previous_close": 102}], ids=["told", "shown"])
@pytest.mark.parametrize("first", ["PRE", "REGULAR"])
def test_a_split_counts_from_the_first_tick_of_its_session_once(
    first: str, told: dict[str, Any], batch: int
) -> None:
    watched = Watched(*ON_TICKS)
    ticks = minutes(EVENING, 200, 201, 202, 203, 204)
    ticks += [at(PRE, 102, first, **told), *minutes(MONDAY, 103, 104, **told)]
    watched.feed(ticks, batch)
    assert watched.fired() == []
    assert closes_of(watched) == [100, Decimal("100.5"), 101, Decimal("101.5"), 102, 102, 103, 104]


@pytest.mark.parametrize("batch", CUTS)
def test_a_previous_close_of_the_day_before_shows_no_split_before_the_open(batch: int) -> None:
    """A source that still gives Thursday's close on Monday morning, after a rise by a third."""
    watched = Watched(make_rule("moving_percent", value=20, window=1))
    ticks = [*minutes(EVENING, 200, 200, 200, 200, 200), at(PRE, 201, "PRE", previous_close=150)]
    watched.feed([*ticks, *minutes(MONDAY, 202, previous_close=200)], batch)
    assert closes_of(watched) == [200, 200, 200, 200, 200, 201, 202]


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize("misread", [1, 2, 3])
def test_a_late_split_adjusts_earlier_sessions_and_no_later_price(misread: int, batch: int) -> None:
    watched = Watched(make_rule("moving_percent", value=20, window=4))
    ticks = minutes(EVENING, 200, 202, 204, 206, 208)
    since = minutes(PRE, 104, state="PRE") + minutes(MONDAY, 105, 106)
    told = minutes(after(MONDAY, minutes=5), 107, 108, 109, split="2:1")
    watched.feed([*ticks, *since[:misread], *told], batch)
    before = [100, 101, 102, 103, 104]
    assert closes_of(watched) == [*before, *[104, 105, 106][:misread], 107, 108, 109]
    assert [str(alert.price) for alert in watched.fired()] == ["104"]  # nobody knew of it there


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize("interval", ["1m", "5m", "1h", "1d", "1wk", "1mo"])
def test_rules_on_bars_count_the_close_before_a_split_as_after_it(
    interval: str, batch: int
) -> None:
    rules = [
        make_rule("crossing_down", rule_id="level", value=150, interval=interval),
        make_rule("less_than", rule_id="below", value=150, interval=interval),
        make_rule("moving_percent", rule_id="move", value=20, window=1, interval=interval),
    ]
    ticks = [at(after(FRIDAY, days=-7 * n), 200) for n in (9, 8, 5, 4, 1, 0)]
    ticks += [at(PRE, 100, "PRE", split="2:1")]
    ticks += [at(after(MONDAY, minutes=n), 101, split="2:1") for n in (1, 7, 13, 70, 140)]
    ticks += [at(after(MONDAY, days=n), 102) for n in (1, 7, 8, 35, 36)]
    assert fired(ticks, batch, *rules) == []


@pytest.mark.parametrize("batch", CUTS)
def test_a_month_whose_last_regular_price_is_from_before_a_split_counts_as_after_it(
    batch: int,
) -> None:
    rules = [
        make_rule("less_than", rule_id="below", value=150, interval="1mo"),
        make_rule("moving_percent", rule_id="move", value=20, window=1, interval="1mo"),
        make_rule("change_percent", rule_id="change", value=20, interval="1mo"),
    ]
    ticks = [at(after(FRIDAY, days=-28), 200, previous_close=200), at(FRIDAY, 201)]
    ticks += [at(after(FRIDAY, days=n), 202, previous_close=201) for n in (3, 5)]
    ticks += [at(after(PRE, days=7), 101, "PRE", split="2:1")]  # Monday, 30 November
    ticks += [at(after(MONDAY, days=n), 102) for n in (8, 9, 40, 41)]
    assert fired(ticks, batch, *rules) == []


@pytest.mark.parametrize("batch", CUTS)
def test_a_level_crossed_besides_a_split_alerts(batch: int) -> None:
    rules = [
        make_rule("less_than", rule_id="below", value=90),
        make_rule("greater_than", rule_id="above", value=110),
        make_rule("crossing_up", rule_id="cross", value=110),
    ]
    ticks = [at(FRIDAY, 200), at(MONDAY, 120, split="2:1"), at(after(MONDAY, minutes=1), 80)]
    told = [("above", "200"), ("above", "120"), ("cross", "120"), ("below", "80")]
    assert sorted(fired(ticks, batch, *rules)) == sorted(told)


@pytest.mark.parametrize("batch", CUTS)
def test_prices_before_several_splits_are_counted_as_after_all_of_them(batch: int) -> None:
    rules = [
        make_rule("moving_percent", rule_id="move", interval="1d", value=20, window=3),
        make_rule("death_cross", rule_id="x", interval="1d", value=None, fast=1, slow=4),
        make_rule("less_than", rule_id="below", interval="1d", value=250),
    ]
    days = [(17, 600), (16, 600), (15, 600), (14, 300), (11, 300), (10, 100), (9, 101), (8, 102)]
    splits = {14: "2:1", 10: "3:1"}
    ticks = [at(after(FRIDAY, days=-n), price, split=splits.get(n)) for n, price in days]
    ticks.append(at(after(FRIDAY, days=-7), 103))
    watched = Watched(*rules)
    watched.feed(ticks, batch)
    assert watched.fired() == []
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert [split.date for split in state.splits] == ["2026-11-06", "2026-11-10"]


def test_a_week_that_a_split_lies_in_counts_by_its_close() -> None:
    """Its first day is from before the split, its close is not."""
    watched = Watched(
        make_rule("moving_percent", rule_id="move", interval="1wk", value=20, window=2)
    )
    ticks = [at(after(FRIDAY, days=-n), 200) for n in (11, 10, 7)]
    ticks += [at(after(FRIDAY, days=-4), 200), at(after(FRIDAY, days=-2), 100, split="2:1")]
    ticks += [at(after(FRIDAY, days=n), 101) for n in (0, 3, 7, 10)]
    watched.feed(ticks)
    assert watched.fired() == []


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize("interval", ["1m", "5m", "1d", "1wk"])
def test_history_beside_ticks_counts_the_same_in_every_cut(interval: str, batch: int) -> None:
    """The closes before a bar are the stored ones, history where it is stored."""
    rule = make_rule("moving_percent", interval=interval, value="0.15", window=1)
    length = timedelta(days=1) if interval in ("1d", "1wk") else timedelta(minutes=1)
    start = datetime(2026, 11, 2, 14, 30, 30, tzinfo=UTC)
    prices = [100, 100, 101, 101, 99, 99, 100, 102, 102, 102, 101, 100, 100, 103, 103]
    ticks = [at(start + n * length, price) for n, price in enumerate(prices) if n % 4 != 3]
    base = "1d" if interval in ("1d", "1wk") else "1m"
    history = []
    for n in (0, 2, 3, 4, 7, 8, 9, 11):
        moment = start + n * length
        label = moment.replace(hour=0, minute=0) if base == "1d" else moment
        begins = to_text(label.replace(second=0))
        close = Decimal(100 + n % 3)
        history.append(
            make_bar(start=0, close=close, ticks=0, interval=base, session_date=begins[:10])
        )
        history[-1] = msgspec.structs.replace(history[-1], start=begins)
    found = []
    for cut in (1, batch):
        watched = Watched(rule)
        watched.stores.bars.write_history(history, ARRIVAL, NEVER)
        watched.feed(ticks, cut)
        found.append([(alert.timestamp, alert.values) for alert in watched.fired()])
    assert found[0] == found[1] != []
