"""Rules on bars: judged at closes, against the bars of the table, in regular hours."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import NEVER, make_bar, make_rule, make_tick
from tests.oracles.crosses import crosses
from tests.unit.domain.watched import ARRIVAL, Watched

FILE = Path(__file__).parents[2] / "data" / "aapl-daily-2015-2017.csv"
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def daily_ticks() -> list[Tick]:
    """AAPL's closes, each at its session's close."""
    calendar = calendar_for("AAPL", "America/New_York")
    with FILE.open() as lines:
        rows = list(csv.DictReader(lines))
    return [
        make_tick(
            row["close"],
            timestamp=to_text(calendar.closing_instant(datetime.fromisoformat(row["date"]).date())),
            market_state="REGULAR",
        )
        for row in rows
    ]


def minute_ticks(prices: list[int], state: str = "REGULAR", start: datetime = OPEN) -> list[Tick]:
    """One tick in the middle of each minute."""
    return [
        make_tick(
            price, timestamp=to_text(start + timedelta(minutes=i, seconds=30)), market_state=state
        )
        for i, price in enumerate(prices)
    ]


def labels(watched: Watched) -> list[tuple[str, str]]:
    """Time of day and condition of what fired."""
    return [(alert.timestamp[11:16], alert.condition) for alert in watched.fired()]


@pytest.mark.parametrize("batch", [1, 7, 506])
def test_daily_crosses_are_those_of_exact_fractions(batch: int) -> None:
    rules = [
        make_rule(name, rule_id=name, symbol="*", value=None, fast=10, slow=30, interval="1d")
        for name in ("golden_cross", "death_cross")
    ]
    watched = Watched(*rules)
    ticks = daily_ticks()
    watched.feed(ticks, batch)
    found = crosses([tick.price for tick in ticks[:-1]], 10, 30)  # the last day has not closed
    want = [(ticks[cross.position].timestamp, cross.kind) for cross in found]
    assert len(want) > 8
    assert [(alert.timestamp, alert.condition) for alert in watched.fired()] == want


def test_long_averages_begin_at_once_where_history_is_there() -> None:
    watched = Watched(make_rule("golden_cross", value=None, fast=2, slow=4, interval="1d"))
    days = ["2026-11-12", "2026-11-13", "2026-11-16", "2026-11-17", "2026-11-18"]
    history = [
        Bar(
            symbol="AAPL",
            interval="1d",
            start=f"{day}T00:00:00.000000Z",
            open=Decimal(price),
            high=Decimal(price),
            low=Decimal(price),
            close=Decimal(price),
        )
        for day, price in zip(days, [10, 9, 8, 7, 6], strict=True)
    ]
    watched.stores.bars.write_history(history, ARRIVAL, NEVER)
    close = "2026-11-19T21:00:00.000000Z"
    watched.feed([make_tick(50, timestamp=close), *minute_ticks([51])])
    assert [(a.timestamp, a.condition) for a in watched.fired()] == [(close, "golden_cross")]


def test_bar_is_judged_once_when_it_closes_and_by_its_last_price() -> None:
    watched = Watched(make_rule("greater_than", value=100, interval="5m"))
    watched.feed(minute_ticks([99, 120, 120, 120, 99, 99, 99, 99, 99, 101, 120, 120]))
    assert labels(watched) == [("14:39", "greater_than")]


def test_crossing_compares_the_closes_of_neighbouring_bars() -> None:
    watched = Watched(make_rule("crossing_up", value=100, interval="1m"))
    watched.feed(minute_ticks([99, 100, 101, 102, 100, 101, 101]))
    assert labels(watched) == [("14:32", "crossing_up"), ("14:35", "crossing_up")]


def test_move_is_measured_over_a_window_of_bars() -> None:
    watched = Watched(make_rule("moving_percent", value=10, window=2, interval="1m"))
    watched.feed(minute_ticks([100, 105, 110, 116, 117, 117, 104, 104]))
    assert labels(watched) == [("14:33", "moving_percent"), ("14:36", "moving_percent")]


def test_extended_hours_are_not_judged_by_rules_on_bars() -> None:
    watched = Watched(make_rule("greater_than", value=100, interval="1m"))
    before = minute_ticks([150, 150], "PRE", OPEN - timedelta(minutes=30))
    watched.feed([*before, *minute_ticks([99, 99])])
    assert watched.fired() == []


def test_day_closes_with_the_first_tick_after_its_session() -> None:
    watched = Watched(make_rule("greater_than", value=100, interval="1d"))
    regular = minute_ticks([101], start=OPEN.replace(hour=20, minute=59))
    after = minute_ticks([90], "POST", OPEN.replace(hour=21, minute=5))
    watched.feed([*regular, *after, *minute_ticks([95], "POST", OPEN.replace(hour=21, minute=20))])
    assert [(a.timestamp[11:16], a.price) for a in watched.fired()] == [("20:59", Decimal(101))]


def test_late_alert_of_a_closed_day_is_sent_when_the_next_tick_is_fresh() -> None:
    now = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    watched = Watched(make_rule("greater_than", value=100, interval="1d"), now=now)
    yesterday = make_tick(150, timestamp="2026-11-19T20:59:00.000000Z", mode="live")
    fresh = make_tick(150, timestamp=to_text(now - timedelta(seconds=5)), mode="live")
    watched.feed([yesterday, fresh])
    assert watched.sent == 1


def test_rule_that_comes_later_starts_from_the_bars_that_are_there() -> None:
    watched = Watched()
    watched.feed(minute_ticks([10, 9, 8, 7, 6, 5]))
    watched.rules.append(make_rule("golden_cross", value=None, fast=1, slow=3, interval="1m"))
    watched.feed(minute_ticks([9, 9, 9], start=OPEN + timedelta(minutes=6)))
    assert labels(watched) == [("14:36", "golden_cross")]


def test_redelivery_fires_nothing_again() -> None:
    watched = Watched(make_rule("crossing_up", value=100, interval="1m"))
    ticks = minute_ticks([99, 101, 99, 101, 99])
    watched.feed(ticks)
    fired, sent = watched.fired(), watched.sent
    watched.feed(ticks, batch=5)
    assert watched.fired() == fired
    assert watched.sent == sent == 2


@pytest.mark.parametrize("interval", ["tick", "1m"])
def test_a_rule_does_not_tell_when_switched_on_what_happened_while_it_was_off(
    interval: str,
) -> None:
    rules = [
        make_rule("greater_than", rule_id="level", value=50, interval=interval),
        make_rule("golden_cross", rule_id="cross", value=None, fast=1, slow=3, interval=interval),
    ]
    watched = Watched(*rules)
    ticks = minute_ticks([40, 40, 39, 39, 60, 61, 62, 63, 63, 63])
    watched.feed(ticks[:4])
    watched.rules = [msgspec.structs.replace(rule, enabled=False) for rule in rules]
    watched.feed(ticks[4:7])
    watched.rules = rules
    watched.feed(ticks[7:])
    assert watched.fired() == []
    watched.feed(minute_ticks([40, 60, 60], start=OPEN + timedelta(hours=1)))
    assert {alert.rule_id for alert in watched.fired()} == {"level", "cross"}


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(("minutes", "fires"), [(6, False), (60 * 24 * 4, True)])
def test_a_rule_that_expires_before_the_tick_that_closes_a_bar_does_not_fire(
    minutes: int, fires: bool, batch: int
) -> None:
    """It is Friday's close, and the next tick comes on Monday."""
    close = OPEN.replace(hour=20, minute=59)
    expires = to_text(close + timedelta(minutes=minutes))
    watched = Watched(make_rule("greater_than", value=50, interval="1d", expires_at=expires))
    monday = minute_ticks([91, 92], start=OPEN + timedelta(days=3))
    watched.feed([*minute_ticks([40, 90], start=close), *monday], batch)
    assert bool(watched.fired()) is fires


@pytest.mark.parametrize("others", [[], [make_rule("death_cross", value=None, fast=1, slow=3)]])
@pytest.mark.parametrize("batch", [1, 4, 100])
def test_an_alert_on_a_bar_tells_the_same_averages_whatever_else_is_watched(
    others: list[Rule], batch: int
) -> None:
    level = make_rule("greater_than", rule_id="level", value=105, interval="1m")
    crossing = [msgspec.structs.replace(rule, interval="1m", rule_id="cross") for rule in others]
    watched = Watched(level, *crossing)
    prices = [100, 101, 99, 98, 97, 96, 95, 94, 93, 92, 110, 111, 112, 90]
    watched.feed(minute_ticks(prices), batch)
    (alert,) = (alert for alert in watched.fired() if alert.rule_id == "level")
    assert alert.values == {"value": 105, "sma_5": Decimal("96.8")}


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize(("minute", "fires"), [(20, False), (10, True), (5, True)])
def test_an_hour_with_history_behind_its_last_tick_closes_with_that(
    minute: int, fires: bool, batch: int
) -> None:
    """Two ticks 15 minutes apart, then some an hour apart."""
    watched = Watched(make_rule("crossing_up", value=97, interval="1h"))
    history = make_bar(0, 98, ticks=0)
    start = to_text(OPEN + timedelta(minutes=minute))
    watched.stores.bars.write_history(
        [msgspec.structs.replace(history, start=start)], ARRIVAL, NEVER
    )
    ticks = [
        make_tick(price, timestamp=to_text(OPEN + timedelta(minutes=at, seconds=30)))
        for at, price in [(0, 95), (15, 96), (65, 99), (130, 90), (190, 91)]
    ]
    watched.feed(ticks, batch)
    assert bool(watched.fired()) is fires


@pytest.mark.parametrize("seed", range(12))
def test_hours_with_many_historical_minutes_close_alike_in_whatever_batches(seed: int) -> None:
    dice = Random(seed)
    minutes = sorted(dice.sample(range(6 * 60), 40))
    history = [
        msgspec.structs.replace(
            make_bar(0, dice.randrange(90, 105), ticks=0),
            start=to_text(OPEN + timedelta(minutes=minute)),
        )
        for minute in minutes
    ]
    ticks = [
        make_tick(dice.randrange(90, 105), timestamp=to_text(OPEN + timedelta(seconds=second)))
        for second in sorted(dice.sample(range(6 * 3600), 25))
    ]
    fired = []
    for batch in (1, 4, 25):
        watched = Watched(make_rule("crossing_up", value=97, interval="1h"))
        watched.stores.bars.write_history(history, ARRIVAL, NEVER)
        watched.feed(ticks, batch)
        fired.append([(alert.timestamp, alert.price) for alert in watched.fired()])
    assert fired[0] == fired[1] == fired[2]
