from __future__ import annotations

from decimal import Decimal
from functools import reduce
from typing import Any

from chalicelib.domain.bars import Bar, merge
from chalicelib.domain.building import BarBuilder, place_of
from chalicelib.domain.ticks import HIGHEST_VOLUME, Tick
from chalicelib.domain.times import later
from tests.factories import at, make_bar, make_tick, make_ticks

OPEN = "2026-11-20T14:30:00.000000Z"
CLOSE = "2026-11-20T21:00:00.000000Z"


def built(ticks: list[Tick]) -> BarBuilder:
    builder = BarBuilder()
    for tick in ticks:
        builder.add(tick)
    return builder


def minutes(builder: BarBuilder) -> list[Bar]:
    running = [builder.minute] if builder.minute else []
    return [bar for bar in [*builder.closed, *running] if bar.interval == "1m"]


def stamped(timestamp: str, price: object = 100, **fields: Any) -> Tick:
    return make_tick(price, timestamp=timestamp, **fields)


def test_a_minute_has_the_first_highest_lowest_and_last_price() -> None:
    (bar,) = minutes(built(make_ticks([5, 9, 3, 7], step=10)))
    assert (bar.open, bar.high, bar.low, bar.close, bar.ticks) == (5, 9, 3, 7, 4)
    assert (bar.start, bar.closed) == (at(), False)


def test_a_minute_begins_with_its_first_instant_and_ends_before_the_next() -> None:
    first, second = minutes(built([make_tick(1, 59.999999), make_tick(2, 60)]))
    assert (first.start, first.close, first.closed) == (at(), 1, True)
    assert (second.start, second.open, second.closed) == (at(60), 2, False)


def test_an_empty_minute_has_no_bar() -> None:
    assert [bar.start for bar in minutes(built(make_ticks([1, 2], step=300)))] == [at(), at(300)]


def test_volume_is_the_difference_of_the_sessions_cumulative_volume() -> None:
    ticks = [make_tick(1, s, volume=v) for s, v in [(0, 1000), (10, 1010), (70, 1040)]]
    assert [bar.volume for bar in minutes(built(ticks))] == [10, 30]


def test_a_first_tick_in_mid_session_only_sets_the_baseline() -> None:
    (bar,) = minutes(built([make_tick(1, volume=5000)]))
    assert bar.volume == 0


def test_the_first_tick_of_the_opening_minute_counts_wholly() -> None:
    (bar,) = minutes(built([stamped(later(OPEN, seconds=2), volume=5000)]))
    assert bar.volume == 5000


def test_a_cumulative_volume_that_falls_counts_as_nothing() -> None:
    (bar,) = minutes(built([make_tick(1, s, volume=v) for s, v in [(0, 100), (1, 90), (2, 95)]]))
    assert bar.volume == 5


def test_a_volume_that_goes_up_and_down_adds_up_to_the_highest_volume_and_no_further() -> None:
    ticks = [make_tick(1, n, volume=Decimal(10**18 - 1) * (n % 2 == 0)) for n in range(7)]
    assert minutes(built(ticks[:3]))[0].volume == 10**18 - 1
    assert minutes(built(ticks))[0].volume == HIGHEST_VOLUME
    parts = [make_bar(volume=volume) for volume in (10**18 - 1, None, 10**18 - 1, 5)]
    assert reduce(merge, parts).volume == reduce(merge, parts[::-1]).volume == HIGHEST_VOLUME


def test_without_volumes_there_is_none() -> None:
    (bar,) = minutes(built(make_ticks([1, 2])))
    assert bar.volume is None


def test_a_day_takes_the_ticks_own_session_fields() -> None:
    builder = built([make_tick(5, 0, open=4, high=9, low=2, volume=77)])
    assert builder.day is not None
    day = builder.day
    assert (day.open, day.high, day.low, day.close, day.volume) == (4, 9, 2, 5, 77)
    assert day.start == "2026-11-20T00:00:00.000000Z"


def test_a_day_without_session_fields_has_the_prices_seen() -> None:
    builder = built(make_ticks([5, 9, 3]))
    assert builder.day is not None
    assert (builder.day.open, builder.day.high, builder.day.low, builder.day.ticks) == (5, 9, 3, 3)


def test_a_price_beyond_the_given_high_raises_it() -> None:
    builder = built([make_tick(10, high=9, low=8)])
    assert builder.day is not None
    assert builder.day.high == 10


def test_prices_outside_of_the_session_make_minutes_but_no_day() -> None:
    builder = built([stamped(later(OPEN, minutes=-30)), stamped(later(CLOSE, minutes=30))])
    assert builder.day is None
    assert [bar.extended for bar in minutes(builder)] == [True, True]


def test_the_sources_market_state_takes_precedence_over_the_clock() -> None:
    assert place_of(stamped(CLOSE, market_state="POST")).extended
    assert not place_of(stamped(later(CLOSE, seconds=1), market_state="REGULAR")).extended
    assert place_of(stamped(later(CLOSE, seconds=1))).extended


def test_a_day_closes_when_the_next_session_begins() -> None:
    builder = built([stamped(OPEN, 1), stamped(later(OPEN, days=3), 2)])
    days = [bar for bar in builder.closed if bar.interval == "1d"]
    assert [(day.session_date, day.close) for day in days] == [("2026-11-20", 1)]
    assert builder.day is not None
    assert builder.day.session_date == "2026-11-23"


def test_hours_count_from_the_sessions_open() -> None:
    builder = built([stamped(later(OPEN, minutes=m)) for m in (0, 59, 60, 119, 121)])
    assert [hour.start for hour in builder.hours] == [OPEN, later(OPEN, hours=1)]
    assert place_of(stamped(later(OPEN, minutes=121))).hour.start == later(OPEN, hours=2)


def test_hours_before_the_open_count_backwards_so_that_none_spans_it() -> None:
    assert place_of(stamped(later(OPEN, minutes=-1))).hour.start == later(OPEN, hours=-1)
    assert place_of(stamped(later(OPEN, minutes=-61))).hour.start == later(OPEN, hours=-2)


def test_hours_after_the_close_count_from_it() -> None:
    assert place_of(stamped(later(CLOSE, minutes=5))).hour.start == CLOSE


def test_a_builder_goes_on_where_another_stopped() -> None:
    ticks = [make_tick(n % 7 + 1, 7 * n, volume=10 * n) for n in range(60)]
    whole = built(ticks)
    first = built(ticks[:31])
    second = BarBuilder(first.last, [bar for bar in (first.minute,) if bar], first.day)
    for tick in ticks[31:]:
        second.add(tick)
    assert [*first.closed, *second.closed] == whole.closed
    assert (second.minute, second.day) == (whole.minute, whole.day)
    assert [*first.hours, *second.hours] == whole.hours


def test_merging_neighbours_adds_volumes_and_keeps_the_ends() -> None:
    first = make_bar(0, 2, open=1, high=5, low=1, volume=10, ticks=3)
    second = make_bar(60, 4, open=2, high=4, low=0.5, volume=None, ticks=2, closed=False)
    both = merge(first, second)
    assert (both.start, both.open, both.close) == (at(), 1, 4)
    assert (both.high, both.low) == (5, Decimal("0.5"))
    assert (both.volume, both.ticks, both.closed) == (10, 5, False)
