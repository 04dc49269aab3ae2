"""Minutes, gaps and jumps against a model that goes through minute by minute."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.bars import Bar
from chalicelib.domain.quality import Delays, Gap, assess, delays_of
from chalicelib.domain.trading_minutes import Stretch, text_of

DAY = date(2026, 11, 20)


def bar(minute: int, *, ticks: int = 1, low: int = 100, high: int = 100, close: int = 100) -> Bar:
    return Bar(
        symbol="A",
        interval="1m",
        start=text_of(minute),
        open=Decimal(close),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
        ticks=ticks,
    )


PIECES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=6
)
"""Whether a stretch begins another day, the pause before it, and its minutes."""

BARS = st.dictionaries(
    st.integers(0, 100),
    st.tuples(st.integers(0, 2), st.integers(90, 110), st.integers(0, 9), st.integers(0, 9)),
)
"""A bar by its minute: ticks, close, and by how much its high and low differ from that."""


@settings(max_examples=200, deadline=None)
@given(PIECES, BARS, st.integers(1, 12))
def test_it_finds_what_the_model_finds(
    pieces: list[tuple[int, int, int]],
    made: dict[int, tuple[int, int, int, int]],
    percent: int,
) -> None:
    stretches, at, day = [], 0, DAY
    for another, pause, length in pieces:
        day += timedelta(days=another)
        stretches.append(Stretch(day, at + pause, at + pause + length))
        at += pause + length
    bars = [
        bar(minute, ticks=ticks, close=close, high=close + up, low=close - down)
        for minute, (ticks, close, up, down) in sorted(made.items())
    ]
    found = assess(stretches, bars, Decimal(percent), hours_known=True)
    by_day: dict[str, list[int]] = {}
    gaps: list[tuple[int, int, str]] = []
    jumps: list[int] = []
    before: int | None = None
    last = -2
    for stretch in stretches:
        for minute in range(stretch.start, stretch.end):
            if minute != last + 1:
                before = None
            counts = by_day.setdefault(stretch.date.isoformat(), [0, 0, 0])
            counts[0] += 1
            one = made.get(minute)
            kind = "missing" if one is None else "received" if one[0] else "filled"
            counts[1] += one is not None
            counts[2] += kind == "filled"
            if kind != "received":
                if gaps and gaps[-1][1] == minute == last + 1 and gaps[-1][2] == kind:
                    gaps[-1] = (gaps[-1][0], minute + 1, kind)
                else:
                    gaps.append((minute, minute + 1, kind))
            if one is not None:
                _, close, up, down = one
                edges = (close + up, close - down)
                if before and any(
                    Fraction(100 * abs(edge - before), before) > percent for edge in edges
                ):
                    jumps.append(minute)
                before = close
            last = minute
    assert {one.date: [one.expected, one.received, one.filled] for one in found.sessions} == by_day
    assert list(found.gaps) == [
        Gap(text_of(start), text_of(end), end - start, "backfill" if kind == "filled" else None)
        for start, end, kind in gaps
    ]
    assert [jump.timestamp for jump in found.jumps] == [text_of(minute) for minute in jumps]


def test_a_minute_with_a_tick_of_either_kind_is_received() -> None:
    extended = msgspec.structs.replace(bar(5), extended=True)
    found = assess([Stretch(DAY, 5, 6)], [extended], Decimal(1), hours_known=True)
    assert (found.sessions[0].received, found.gaps) == (1, ())


def test_a_gap_goes_on_through_midnight_where_trading_does() -> None:
    midnight = [Stretch(DAY, 0, 3), Stretch(DAY + timedelta(days=1), 3, 6)]
    (gap,) = assess(midnight, [bar(0), bar(5)], Decimal(1), hours_known=True).gaps
    assert (gap.start, gap.minutes) == (text_of(1), 4)


def test_without_known_hours_nothing_is_expected() -> None:
    days = [Stretch(DAY, 0, 3), Stretch(DAY + timedelta(days=1), 3, 6)]
    bars = [bar(1), bar(2, close=200, high=200), bar(3)]
    found = assess(days, bars, Decimal(1), hours_known=False)
    assert [(one.expected, one.received) for one in found.sessions] == [(None, 2), (None, 1)]
    assert found.gaps == ()
    assert [jump.timestamp for jump in found.jumps] == [text_of(2)]


@given(st.lists(st.integers(-(10**7), 10**9), min_size=1, max_size=300))
def test_percentiles_are_those_of_nearest_rank(delays: list[int]) -> None:
    found = delays_of((text_of(place), delay) for place, delay in enumerate(delays))
    shares = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
    for name, percent in shares.items():
        value = getattr(found, name)
        within = sum(Decimal(delay) / 10**6 <= value for delay in delays)
        below = sum(Decimal(delay) / 10**6 < value for delay in delays)
        assert within * 100 >= percent * len(delays) > below * 100
    assert (found.start, found.end) == (text_of(0), text_of(len(delays) - 1))


def test_no_tick_has_no_percentiles() -> None:
    assert delays_of([]) == Delays(0)
