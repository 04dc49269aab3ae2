from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour, place_of
from chalicelib.domain.correction import day_of, day_range, hour_of, hour_span, minutes_of
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import later
from tests.factories import at, make_bar, make_tick, make_ticks

CALENDAR = calendar_for("AAPL", "America/New_York")
OPEN = "2026-11-20T14:30:00.000000Z"
CLOSE = "2026-11-20T21:00:00.000000Z"


def test_minutes_of_a_run_take_the_tick_before_it_for_the_first_volume() -> None:
    before = make_tick(1, -5, volume=100)
    ticks = [make_tick(2, 0, volume=110), make_tick(3, 60, volume=150)]
    assert [bar.volume for bar in minutes_of([before], ticks)] == [10, 40]
    assert [bar.volume for bar in minutes_of([], ticks)] == [0, 40]


def test_the_bar_of_the_tick_before_is_not_among_them() -> None:
    bars = minutes_of([make_tick(1, -5)], make_ticks([2, 3], step=1))
    assert [(bar.start, bar.ticks) for bar in bars] == [(at(), 2)]


def minute_bar(start: str, **fields: Any) -> Bar:
    """A 1m bar that begins at a stored instant."""
    return msgspec.structs.replace(make_bar(**fields), start=start)


def test_no_ticks_make_no_minutes() -> None:
    assert minutes_of([make_tick(1)], []) == []


def test_a_day_whose_ticks_all_lie_outside_of_the_session_has_no_bar() -> None:
    assert day_of([make_tick(1, timestamp=later(CLOSE, hours=1))]) is None


def test_a_regular_hour_spans_sixty_minutes_from_the_open() -> None:
    span = hour_span(Hour(OPEN, extended=False), CALENDAR)
    assert (span.start, span.end) == (OPEN, later(OPEN, hours=1))


def test_the_minute_of_the_closing_price_belongs_to_the_sessions_last_hour() -> None:
    closing = place_of(make_tick(1, timestamp=CLOSE)).hour
    span = hour_span(closing, CALENDAR)
    regular = minute_bar(CLOSE)
    assert span.start < CLOSE < span.end
    assert span.holds(regular)
    assert not span.holds(minute_bar(CLOSE, extended=True))


def test_the_hour_before_the_open_ends_with_it() -> None:
    early = place_of(make_tick(1, timestamp=later(OPEN, minutes=-20))).hour
    assert hour_span(early, CALENDAR).end == OPEN


def test_an_hour_is_folded_from_the_minutes_of_its_own_kind() -> None:
    span = hour_span(Hour(OPEN, extended=False), CALENDAR)
    inside = [
        minute_bar(OPEN, close=5, ticks=2),
        minute_bar(later(OPEN, minutes=1), close=7, ticks=3),
    ]
    other = minute_bar(later(OPEN, minutes=60), close=99)
    hour = hour_of(span, [*inside, other])
    assert hour is not None
    assert (hour.interval, hour.start, hour.close, hour.ticks) == ("1h", OPEN, 7, 5)
    assert hour_of(span, [other]) is None


def test_all_ticks_of_a_session_lie_in_the_range_of_its_day() -> None:
    start, end = day_range(place_of(make_tick(1)).session)
    assert start <= later(OPEN, hours=-6)
    assert end >= later(CLOSE, hours=4)
