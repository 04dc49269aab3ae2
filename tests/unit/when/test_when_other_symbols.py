"""Bars of another symbol count from their end on, live as in a preview."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.stores import Page
from tests.factories import make_tick
from tests.fake_series import FakeBars
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import at, preview, rule, shown


def of_spy(minutes: float, price: int) -> Tick:
    return msgspec.structs.replace(at(minutes, price), symbol="SPY")


def feed(watched: Watched, ticks: Sequence[Tick], containers: int = 1) -> None:
    """Feed ticks one at a time; with 0 containers each in a cold one."""
    if containers:
        watched.containers(containers)
    for tick in ticks:
        if not containers:
            watched.containers(1)
        watched.feed([tick])


def fired(watched: Watched) -> list[str]:
    """The times of live alerts, which a preview has as well."""
    alerts = shown(watched.fired(watched.rules[0].symbol))
    assert shown(preview(watched, watched.rules[0]).alerts) == alerts
    return [time for time, _ in alerts]


@pytest.mark.parametrize("containers", [0, 1, 2])
@pytest.mark.parametrize("behind", [2, -2])
def test_polled_second_or_first_a_symbols_bar_counts_at_its_end(
    behind: int, containers: int
) -> None:
    polled = []
    for seconds in range(10, 2410, 30):
        polled.append(at(seconds / 60, 50))
        polled.append(of_spy((seconds + behind) / 60, 110 if 300 <= seconds < 600 else 100))
    watched = Watched(rule("close(SPY) > 105", "5m"))
    feed(watched, sorted(polled, key=lambda tick: tick.timestamp), containers)
    assert fired(watched) == ["14:39"]


@pytest.mark.parametrize("containers", [0, 1, 2])
@pytest.mark.parametrize("series", ["1m", "5m", "1h"])
def test_a_day_is_decided_with_the_others_last_bars(series: str, containers: int) -> None:
    watched = Watched(rule(f"close({series}, SPY) > 105", "1d"))
    for day in (0, 3, 4):  # Friday, Monday, Tuesday
        last = 389 if series != "1h" else 329
        for ticks in (
            [of_spy(1440 * day + 30, 100), of_spy(1440 * day + last, 110 if day == 3 else 100)],
            [at(1440 * day + 30, 50), at(1440 * day + 389, 50)],
            [make_tick(50, timestamp=at(1440 * day + 391, 0).timestamp, market_state="POST")],
        ):
            feed(watched, ticks, containers)
    assert [alert.timestamp[:10] for alert in watched.fired()] == ["2026-11-23"]
    assert fired(watched) == ["20:59"]


def in_tokyo(hour: int, minute: int, price: int, day: int = 19) -> Tick:
    stamp = to_text(datetime(2026, 11, day, hour, minute, 50, tzinfo=UTC))
    zone = "Asia/Tokyo"
    return make_tick(
        price, symbol="7203.T", timestamp=stamp, market_state="REGULAR", exchange_timezone=zone
    )


@pytest.mark.parametrize(
    ("series", "interval", "at_once"),
    [("", "1m", "06:29"), ("", "5m", "06:29"), ("1m", "tick", "06:30"), ("1h", "1h", "06:59")],
)
def test_the_last_bar_before_a_close_counts_before_the_next_open(
    series: str, interval: str, at_once: str
) -> None:
    of = f"{series}, " if series else ""
    given = {"symbol": "BTC-USD", "interval": interval, "when": f'close({of}"7203.T") > 105'}
    watched = Watched(parse_rule(given, "r1"))
    clock = [
        make_tick(
            50,
            symbol="BTC-USD",
            timestamp=to_text(datetime(2026, 11, 19, hour, minute, tzinfo=UTC)),
            market_state="REGULAR",
            exchange_timezone="UTC",
        )
        for hour in (6, 7)
        for minute in range(60)
    ]
    watched.feed([in_tokyo(6, minute, 100) for minute in (5, 12, 28)])
    watched.feed([in_tokyo(6, 29, 110)])
    feed(watched, clock, 2)
    assert fired(watched) == [at_once]
    watched.feed([in_tokyo(0, 0, 110, day=20)])
    assert fired(watched) == [at_once]


@pytest.mark.parametrize("seed", range(2))
def test_containers_agree_about_prices_that_arrive_after_a_decision(seed: int) -> None:
    source, arriving = random.Random(seed), []
    for seconds in range(10, 1500, 20):
        delay = source.choice([0, 2, 20, 70, 200])
        arriving.append((seconds + delay, of_spy(seconds / 60, source.randint(95, 106))))
        arriving.append((seconds + 1, at((seconds + 1) / 60, source.randint(49, 51))))
    ticks = [tick for _, tick in sorted(arriving, key=lambda one: one[0])]
    rules = [
        rule("close(SPY) crosses above 101", "1m", rule_id="a"),
        rule("close(5m, SPY) > 101 for 2 bars", "1m", rule_id="b"),
        rule("sma(2, 1m, SPY) < 100", rule_id="c"),
    ]
    found = []
    for containers in (0, 1, 2, 3):
        watched = Watched(*rules)
        feed(watched, ticks, containers)
        found.append([(alert.alert_id, alert.values) for alert in watched.fired()])
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0]


def test_a_closing_price_after_the_bell_is_among_the_minutes_of_its_day() -> None:
    watched = Watched(rule("close(1m) > 105", "1d"))
    evening = []
    for day in (0, 3, 4):
        begin, close = 1440 * day, 110 if day == 3 else 100
        watched.feed([at(begin + 30, 100), at(begin + 389, 100), at(begin + 390, close)])
        stamp = at(begin + 390.5, 0).timestamp  # in the minute of the closing price
        evening.append(make_tick(100, timestamp=stamp, market_state="POST"))
        watched.feed(evening[-1:])
    assert fired(watched) == ["21:00"]


class CountedBars(FakeBars):
    """Bars that note of which symbols they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def bars(self, symbol: str, *given: Any, **more: Any) -> Page[Bar]:
        self.read.append(symbol)
        return super().bars(symbol, *given, **more)


@pytest.mark.parametrize(
    ("when", "read"), [("close > sma(3)", ["AAPL"]), ("close(SPY) > 0", ["AAPL", "SPY"])]
)
def test_a_warm_container_reads_each_series_once(when: str, read: list[str]) -> None:
    watched, bars = Watched(rule(when, "1m")), CountedBars()
    watched.stores = msgspec.structs.replace(watched.stores, bars=bars)
    watched.containers(1)
    feed(watched, [one for n in range(5) for one in (at(n, 50), of_spy(n + 0.1, 100))])
    bars.read.clear()
    watched.feed([at(5, 50)])
    assert bars.read == read


@pytest.mark.parametrize("containers", [0, 1])
def test_a_point_before_the_night_has_the_others_bars_of_its_time(containers: int) -> None:
    """The other symbol is traded meanwhile, so its newest bars are all of the night."""
    watched = Watched(rule("close(SPY) crosses above 105", "1m"))
    night = [of_spy(minute - 600, 110) for minute in range(0, 600, 5)]
    ticks = [of_spy(-1440, 100), at(-1439, 50), of_spy(-1438, 100), at(-1437, 50), *night]
    feed(watched, [*ticks, at(0, 50), at(1, 50)], containers)
    assert fired(watched) == ["14:30"]


@pytest.mark.parametrize("containers", [0, 1, 2])
def test_a_bar_that_comes_after_a_decision_counts_at_the_next_one(containers: int) -> None:
    """All prices of SPY's minutes arrive after the rule's: it crosses when the first one is known,
    whether or not a container has decided the point before. A preview knows it in time."""
    watched = Watched(rule("close(SPY) crosses above 105", "1m"))
    ticks = [of_spy(0, 100), at(0, 50), of_spy(1, 100), at(1, 50), of_spy(2, 100), at(2, 50)]
    ticks += [at(3, 50), at(4, 50), of_spy(3, 110), at(5, 50), of_spy(4, 110), at(6, 50)]
    feed(watched, ticks, containers)
    assert [time for time, _ in shown(watched.fired())] == ["14:34"]


@pytest.mark.parametrize("containers", [0, 1])
def test_a_split_of_another_symbol_ends_what_a_rule_remembers_of_it(containers: int) -> None:
    """Adjusted, SPY was below all the time."""
    watched = Watched(rule("close(SPY) crosses below 150", "1m"))
    ticks: list[Tick] = []
    for minute in range(3):
        ticks += [of_spy(minute - 1440, 200), at(minute - 1440, 50)]
    for minute in range(3):
        after = at(minute, 100, symbol="SPY", split="2:1", previous_close=100)
        ticks += [after, at(minute, 50)]
    feed(watched, ticks, containers)
    assert fired(watched) == []
