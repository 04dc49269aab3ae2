"""A preview equals the live rule's alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import Watch
from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.rules.preview import Preview
from chalicelib.services.rules.preview_run import MAX_ALERTS
from chalicelib.services.stores import Close
from tests.factories import NEVER, make_bar, make_rule, make_tick
from tests.unit.domain.watched import ARRIVAL, Watched

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
SHOWN = Watch((), 5, 20)
RULES = [
    make_rule("golden_cross", rule_id="g", value=None, fast=2, slow=5),
    make_rule("crossing", rule_id="c", value=50),
    make_rule("greater_than", rule_id="t", value=52, trigger="once_per_bar"),
    make_rule("moving_percent", rule_id="m", value=4, window=3, cooldown_seconds=90),
]


def on(rule: Rule, interval: str) -> Rule:
    """The rule on another interval."""
    return make_rule(
        **{**{f: getattr(rule, f) for f in rule.__struct_fields__}, "interval": interval}
    )


def minute_bars(closes: Sequence[Decimal]) -> list[Bar]:
    """Return history of consecutive minutes."""
    return [
        Bar(
            symbol="AAPL",
            interval="1m",
            start=to_text(OPEN + timedelta(minutes=i)),
            open=close,
            high=close,
            low=close,
            close=close,
        )
        for i, close in enumerate(closes)
    ]


@settings(max_examples=40, deadline=None)
@given(
    prices=st.lists(st.integers(45, 56), min_size=2, max_size=60),
    rule=st.sampled_from(RULES),
    interval=st.sampled_from(["tick", "1m", "5m"]),
)
@example(prices=[49] * 8 + [51] * 8, rule=RULES[1], interval="5m")  # the last opens a bar
def test_preview_equals_live_alerts(prices: list[int], rule: Rule, interval: str) -> None:
    rule = on(rule, interval)
    watched = Watched(rule)
    ticks = [
        make_tick(price, timestamp=to_text(OPEN + timedelta(seconds=40 * i)))
        for i, price in enumerate(prices)
    ]
    watched.feed(ticks, batch=len(ticks))
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    assert [alert.price for alert in previewed.alerts] == [alert.price for alert in watched.fired()]


@pytest.mark.parametrize("interval", ["tick", "1m", "5m", "1h", "1d"])
@pytest.mark.parametrize("cooldown", [0, 90, 3630, 100_000])
def test_a_previewed_alert_has_the_time_of_the_live_one(interval: str, cooldown: int) -> None:
    rule = make_rule("every_record", value=None, interval=interval, cooldown_seconds=cooldown)
    watched = Watched(rule)
    days = [OPEN + timedelta(days=day) for day in (0, 3, 4)]
    ticks = [
        make_tick(100 + i, timestamp=to_text(day + timedelta(seconds=47 * i)))
        for day in days
        for i in (*range(20), 90, 150, 300)
    ]
    after_hours = make_tick(1, timestamp=to_text(days[1] + timedelta(hours=7)))
    ticks = sorted([*ticks, after_hours], key=lambda tick: tick.timestamp)
    watched.feed(ticks, batch=len(ticks))
    live = [alert.timestamp for alert in watched.fired()]
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    assert live
    assert [alert.timestamp for alert in previewed.alerts][: len(live)] == live


def test_a_bar_without_ticks_has_its_start_as_the_alerts_time() -> None:
    rule = make_rule("every_record", value=None, interval="1d")
    watched = Watched()
    start = "2026-11-19T00:00:00.000000Z"
    bar = Bar(
        symbol="AAPL",
        interval="1d",
        start=start,
        open=Decimal(1),
        high=Decimal(1),
        low=Decimal(1),
        close=Decimal(1),
        session_date="2026-11-19",
    )
    watched.stores.bars.write_history([bar], ARRIVAL, NEVER)
    (alert,) = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None).alerts
    assert alert.timestamp == start


def test_preview_of_a_part_knows_what_came_before() -> None:
    rule = make_rule("golden_cross", value=None, fast=2, slow=5)
    watched = Watched(rule)
    ticks = [
        make_tick(price, timestamp=to_text(OPEN + timedelta(seconds=i)))
        for i, price in enumerate([9, 8, 7, 6, 5, 4, 20, 20])
    ]
    watched.feed(ticks, batch=8)
    start = to_text(OPEN + timedelta(seconds=6))
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", start, None)
    assert [alert.timestamp for alert in previewed.alerts] == [start]
    assert (previewed.judged, previewed.complete) == (2, True)


def test_preview_stops_at_its_bound_and_says_so() -> None:
    rule = make_rule("every_record", value=None, interval="1m")
    watched = Watched()
    bars = minute_bars([Decimal(1)] * (MAX_ALERTS + 10))
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    assert (len(previewed.alerts), previewed.complete) == (MAX_ALERTS, False)
    assert previewed.until == bars[MAX_ALERTS - 1].start


def test_preview_stops_at_its_deadline_and_says_so() -> None:
    rule = make_rule("every_record", value=None, interval="1m")
    watched = Watched()
    bars = minute_bars([Decimal(1)] * 30)
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    clock = iter(range(1000))
    previewed = Preview(watched.stores, SHOWN, lambda: next(clock))(rule, "AAPL", None, None, 9)
    assert (previewed.judged, previewed.complete) == (10, False)
    assert previewed.until == bars[9].start


def test_preview_stops_at_its_deadline_among_bars_of_which_nothing_is_judged() -> None:
    watched = Watched()
    for second in range(0, 60 * 30, 60):
        watched.stores.bars.put(make_bar(second, 1, ticks=1, extended=True), ARRIVAL)
    clock = iter(range(1000))
    rule = make_rule("every_record", value=None, interval="1m")
    previewed = Preview(watched.stores, SHOWN, lambda: next(clock))(rule, "AAPL", None, None, 9)
    assert (previewed.judged, previewed.complete) == (0, False)
    assert next(clock) == 10


def test_preview_reads_no_bars_beyond_the_expiry_of_its_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is judged there, so neither the count of bars nor the deadline would end it."""
    watched = Watched()
    bars = minute_bars([Decimal(1)] * 30)
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    closes, read = watched.stores.bars.closes, []

    def noted(*args: Any, **named: Any) -> Iterator[Close]:
        for close in closes(*args, **named):
            read.append(close)
            yield close

    monkeypatch.setattr(watched.stores.bars, "closes", noted)
    for expires_at, judged in [("1971-01-01T00:00:00.000000Z", 0), (bars[10].start, 9)]:
        read.clear()
        rule = make_rule("every_record", value=None, interval="1m", expires_at=expires_at)
        previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
        assert (previewed.judged, previewed.complete) == (judged, True)
        assert len(read) <= judged + 3, "the first one beyond, and two behind it"


def test_preview_of_ticks_stops_at_its_deadline() -> None:
    watched = Watched()
    watched.feed([make_tick(1, seconds=n) for n in range(3)], batch=3)
    preview = Preview(watched.stores, SHOWN, lambda: 1.0)
    previewed = preview(make_rule("every_record", value=None), "AAPL", None, None, 0.5)
    assert not previewed.complete


class CountedDecimal(Decimal):
    """A price that counts how often prices are added."""

    added = 0

    def __add__(self, other: Decimal | int) -> CountedDecimal:
        CountedDecimal.added += 1
        return CountedDecimal(Decimal.__add__(self, other))

    def __radd__(self, other: Decimal | int) -> CountedDecimal:
        return self + other


@pytest.mark.parametrize("interval", ["tick", "1m"])
@pytest.mark.parametrize(("fast", "slow"), [(2, 5), (399, 400)])
def test_a_preview_adds_as_often_for_long_averages_as_for_short_ones(
    fast: int, slow: int, interval: str
) -> None:
    rule = make_rule("golden_cross", value=None, fast=fast, slow=slow, interval=interval)
    prices = [CountedDecimal(100 + n) for n in range(900)]
    watched = Watched()
    if interval == "tick":
        ticks = [make_tick(1, seconds=n) for n in range(900)]
        counted = [msgspec.structs.replace(t, price=p) for t, p in zip(ticks, prices, strict=True)]
        watched.feed(counted, batch=900)
    else:
        watched.stores.bars.write_history(minute_bars(prices), ARRIVAL, NEVER)
    CountedDecimal.added = 0
    assert Preview(watched.stores, SHOWN)(rule, "AAPL", None, None).judged == 900
    assert 900 <= CountedDecimal.added < 5 * 900


def test_preview_records_and_sends_nothing() -> None:
    rule = make_rule("every_record", value=None)
    watched = Watched()
    watched.feed([make_tick(1), make_tick(2, seconds=1)])
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    assert len(previewed.alerts) == 2
    assert (watched.fired(), watched.sent) == ([], 0)


def test_rule_of_another_symbol_is_refused() -> None:
    with pytest.raises(RuleError, match="symbol: 'MSFT'"):
        Preview(Watched().stores, SHOWN)(make_rule("crossing", symbol="MSFT"), "AAPL", None, None)


@pytest.mark.parametrize("interval", ["tick", "1m"])
def test_a_rule_that_is_off_previews_as_if_it_were_on(interval: str) -> None:
    rule = make_rule("every_record", value=None, interval=interval, enabled=False)
    watched = Watched(rule)
    watched.feed([make_tick(1, timestamp=to_text(OPEN + timedelta(minutes=n))) for n in (0, 1, 2)])
    assert watched.fired() == []
    assert len(Preview(watched.stores, SHOWN)(rule, "AAPL", None, None).alerts) >= 2


DAYS = [datetime(2026, 11, day, 20, 59, tzinfo=UTC) for day in (5, 6, 9, 10, 11, 12, 13, 16)]


def days_with_a_split() -> list[Tick]:
    """Return a tick per day, with a 2:1 split at the fifth, and one that closes the last day."""
    prices = (200, 201, 202, 203, 101, 102, 103, 104)
    ticks = [
        make_tick(price, timestamp=to_text(day), split="2:1" if n == 4 else None)
        for n, (day, price) in enumerate(zip(DAYS, prices, strict=True))
    ]
    return [*ticks, make_tick(105, timestamp=to_text(OPEN))]


@pytest.mark.parametrize("start", [None, 2, 4, 5])
@pytest.mark.parametrize("interval", ["tick", "1m", "1h", "1d", "1wk"])
@pytest.mark.parametrize(
    "rule",
    [
        make_rule("crossing_down", value=150),
        make_rule("less_than", value=150),
        make_rule("moving_percent", value=5, window=1),
        make_rule("golden_cross", value=None, fast=1, slow=3),
    ],
    ids=lambda rule: rule.condition,
)
def test_preview_knows_splits_as_live_does(rule: Rule, interval: str, start: int | None) -> None:
    rule = on(rule, interval)
    watched = Watched(rule)
    watched.feed(days_with_a_split())
    begin = None if start is None else to_text(DAYS[start].replace(hour=0, minute=0))
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", begin, None)
    if start is None:
        live = [alert.timestamp for alert in watched.fired()]
        closed = [a.timestamp for a in previewed.alerts if a.timestamp < to_text(DAYS[-1])]
        assert closed == [time for time in live if time < to_text(DAYS[-1])]
    if rule.condition in ("crossing_down", "moving_percent"):
        assert previewed.alerts == ()


@pytest.mark.parametrize("told", [True, False])
def test_preview_measures_changes_from_the_previous_close_that_ticks_tell(told: bool) -> None:
    rule = make_rule("change_percent", value=5, interval="1d")
    watched = Watched(rule)
    closes = (100, 110, 112, 113)
    ticks = [
        make_tick(price, timestamp=to_text(day), previous_close=before if told else None)
        for day, price, before in zip(DAYS[2:], closes, (100, *closes), strict=False)
    ]
    watched.feed(ticks)
    live = [alert.timestamp for alert in watched.fired()]
    assert live == ([to_text(DAYS[3])] if told else [])
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    assert [alert.timestamp for alert in previewed.alerts] == live


def test_preview_of_history_measures_changes_from_the_close_of_the_session_before() -> None:
    rule = make_rule("change_percent", value=5, interval="1wk")
    watched = Watched()
    closes = [100, 101, 102, 103, 104, 108, 112]
    bars = [
        make_bar(close=close, interval="1d", ticks=0, session_date=f"2026-11-{day:02d}")
        for day, close in zip((2, 3, 4, 5, 6, 9, 10), closes, strict=True)
    ]
    dated = [msgspec.structs.replace(b, start=f"{b.session_date}T00:00:00.000000Z") for b in bars]
    watched.stores.bars.write_history(dated, ARRIVAL, NEVER)
    assert Preview(watched.stores, SHOWN)(rule, "AAPL", None, None).alerts == ()


DAY = 86_400.0
CLOSE = 6.5 * 3600
"""Seconds from the open, a Friday's."""


def days_at(*prices: int) -> list[Tick]:
    """A tick at the open of a Friday, of the Monday behind it, and of each day after that."""
    days = [0, *range(3, 2 + len(prices))]
    return [opening(price, day * DAY) for price, day in zip(prices, days, strict=True)]


def opening(price: int, seconds: float, state: str = "REGULAR") -> Tick:
    """Return a tick some seconds after Friday's open."""
    stamp = to_text(OPEN + timedelta(seconds=seconds))
    return make_tick(price, timestamp=stamp, market_state=state)


def both(
    rule: Rule, ticks: Sequence[Tick], end: str | None = None
) -> tuple[list[tuple[str, Decimal]], list[tuple[str, Decimal]]]:
    """When and at which prices a rule fired live, and in a preview."""
    watched = Watched(rule)
    watched.feed(ticks, batch=1)
    previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", None, end).alerts
    live = [(alert.timestamp, alert.price) for alert in watched.fired()]
    return live, [(alert.timestamp, alert.price) for alert in previewed]


@pytest.mark.parametrize("interval", ["1wk", "1mo"])
@pytest.mark.parametrize("later", [[], [100], [100, 100, 100]])
def test_a_bar_that_still_runs_is_not_judged_by_a_part_of_it(
    interval: str, later: list[int]
) -> None:
    rule = make_rule("less_than", value=95, interval=interval)
    live, previewed = both(rule, days_at(100, 99, 90, 100, *later))
    assert previewed == live == []


@pytest.mark.parametrize("more", [[], [opening(92, 3 * DAY + CLOSE + 90, "CLOSED")]])
def test_a_day_that_a_tick_after_the_close_has_ended_is_judged(more: list[Tick]) -> None:
    rule = make_rule("less_than", value=95, interval="1d")
    ticks = days_at(100, 90)
    after = opening(91, 3 * DAY + CLOSE + 60, "POST")
    live, previewed = both(rule, [*ticks, after])
    assert previewed == live == [(ticks[1].timestamp, 90)]
    assert both(rule, ticks)[1] == []
    days = [alert[0][:10] for alert in both(rule, [*ticks, after, *more])[1]]
    assert days == [ticks[1].timestamp[:10]]


@pytest.mark.parametrize("interval", ["1m", "1h", "1d", "1wk"])
@pytest.mark.parametrize("seconds", [30.0, 3 * DAY - 5, 3 * DAY + 5, 9 * DAY])
def test_a_preview_tells_nothing_of_bars_that_close_after_the_rule_expires(
    interval: str, seconds: float
) -> None:
    until = to_text(OPEN + timedelta(seconds=seconds))
    rule = make_rule("every_record", value=None, interval=interval, expires_at=until)
    live, previewed = both(rule, days_at(100, 99, 90, 100, 100, 101, 102))
    assert previewed == live


def test_a_bar_that_reaches_beyond_the_range_is_left_to_the_next_one() -> None:
    rule = make_rule("less_than", value=95, interval="1wk")
    ticks = [opening(price, day * DAY) for price, day in ((100, 0), (94, 3), (90, 4), (96, 5))]
    ticks.append(opening(100, 10 * DAY))
    live, previewed = both(rule, ticks, "2026-11-25T00:00:00.000000Z")
    assert previewed == live == []


def test_an_alert_on_a_day_has_the_time_of_its_last_tick_in_the_night_too() -> None:
    rule = make_rule("every_record", value=None, interval="1d")
    night = opening(95, 3 * DAY + CLOSE + 6 * 3600, "REGULAR")
    live, previewed = both(rule, [*days_at(100, 90), night, opening(91, 4 * DAY)])
    assert previewed == live
    assert previewed[-1] == (night.timestamp, 95)
