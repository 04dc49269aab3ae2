"""Bars computed again from stored ticks, for what was late or came twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from chalicelib.domain.bars import Bar, merge
from chalicelib.domain.building import BarBuilder, Hour, place_of
from chalicelib.domain.sessions import Calendar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, later, minute_of, to_text


def minutes_of(before: Tick | None, ticks: Sequence[Tick]) -> list[Bar]:
    """All 1m bars of a run of ticks in order; `before` is the tick just before the first."""
    builder = BarBuilder(last=before)
    for tick in ticks:
        builder.add(tick)
    running = [builder.minute] if builder.minute else []
    return [bar for bar in [*builder.closed, *running] if bar.interval == "1m"]


def day_of(ticks: Sequence[Tick]) -> Bar | None:
    """The 1d bar of all ticks of one session; None where all lie outside regular hours."""
    builder = BarBuilder()
    for tick in ticks:
        builder.add(tick)
    return builder.day


class HourSpan(msgspec.Struct, frozen=True):
    """Where an hourly bar's minutes lie: labels in `[start, end)`, all with this flag."""

    start: str
    end: str
    extended: bool


def hour_span(hour: Hour, calendar: Calendar) -> HourSpan:
    """The span of an hour: 60 minutes, or up to the session's open or close before that.

    The minute of the closing price belongs to the session's last hour.
    """
    begin = from_text(hour.start)
    session = calendar.session_at(begin)
    end = begin + timedelta(hours=1)
    if hour.extended:
        if begin < session.open < end:
            end = session.open
    else:
        closing = calendar.closing_instant(session.date)
        if begin < closing <= end:
            end = from_text(minute_of(to_text(closing))) + timedelta(minutes=1)
    return HourSpan(hour.start, to_text(end), hour.extended)


def hour_of(span: HourSpan, minutes: Iterable[Bar]) -> Bar | None:
    """The 1h bar of a span, folded from the 1m bars in it; None where there are none."""
    folded: Bar | None = None
    for bar in minutes:
        if bar.extended == span.extended:
            folded = bar if folded is None else merge(folded, bar)
    if folded is None:
        return None
    return msgspec.structs.replace(folded, interval="1h", start=span.start, closed=True, revision=0)


def day_range(tick: Tick) -> tuple[str, str]:
    """Instants between which all ticks of a tick's session lie, with room to spare."""
    session = place_of(tick).session
    early = min(session.open, session.pre_open)
    late = max(session.post_close, session.regular_until, session.close)
    return later(to_text(early), hours=-12), later(to_text(late), hours=12)
