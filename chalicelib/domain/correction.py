"""Recomputes bars from stored ticks after late or repeated ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import msgspec

from chalicelib.domain.bars import Bar, key_of, merge
from chalicelib.domain.building import BarBuilder, Hour, hour_start, with_session_figures
from chalicelib.domain.sessions import Calendar, Session
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, later, minute_of, to_text


def minutes_of(before: Sequence[Tick], ticks: Sequence[Tick]) -> list[Bar]:
    """Return all 1m bars of a run of ticks, in order.

    `before` has ticks of earlier minutes, newest last. The volume of the first minute is the
    increase since these ticks.
    """
    if not ticks:
        return []
    builder = BarBuilder()
    for tick in (*before, *ticks):
        builder.add(tick)
    running = (bar for bar in (builder.minute, builder.beside) if bar is not None)
    first = minute_of(ticks[0].timestamp)
    found = (bar for bar in (*builder.closed, *running) if bar.interval == "1m")
    return sorted((bar for bar in found if bar.start >= first), key=lambda bar: bar.key)


def day_of(ticks: Sequence[Tick]) -> Bar | None:
    """Return the 1d bar of all ticks of one session; None if no tick is in regular hours."""
    builder = BarBuilder()
    for tick in ticks:
        builder.add(tick)
    return builder.day


def day_of_parts(parts: Sequence[Bar], newest: Sequence[Tick]) -> Bar | None:
    """Return the 1d bar of a session's regular hours or minutes, in order, and its newest regular
    ticks. None if there are no parts.

    The session's own open, high, low and volume are the last values of any tick, as in BarBuilder.
    A value that `newest` lacks comes from the parts, except for the volume.
    """
    if not parts:
        return None
    whole = reduce(merge, parts)
    day = msgspec.structs.replace(
        whole,
        interval="1d",
        start=f"{whole.session_date}T00:00:00.000000Z",
        volume=None,
        closed=False,
        revision=0,
    )
    for tick in newest:
        day = with_session_figures(day, tick, whole.ticks)
    return day


class HourSpan(msgspec.Struct, frozen=True):
    """An hour, and the range `[start, end)` of the labels of its minutes.

    Hours count from a session's open or close, so the hours of neighbouring sessions may overlap.
    The range may include minutes of another session or of the other kind, regular or extended;
    `holds` excludes these.
    """

    hour: Hour
    end: str
    calendar: Calendar

    @property
    def start(self) -> str:
        """Return the label of the hour."""
        return self.hour.start

    @property
    def key(self) -> str:
        """Return the key of the hourly bar."""
        return key_of(self.hour.start, extended=self.hour.extended)

    def holds(self, bar: Bar) -> bool:
        """Return whether a 1m bar belongs to the hour."""
        if bar.extended is not self.hour.extended:
            return False
        instant = from_text(bar.start)
        session = self.calendar.session_at(instant)
        return to_text(hour_start(session, instant, bar.extended)) == self.start


def hour_span(hour: Hour, calendar: Calendar) -> HourSpan:
    """Return the span of an hour: 60 minutes from its start."""
    return HourSpan(hour, later(hour.start, hours=1), calendar)


def hour_of(span: HourSpan, minutes: Iterable[Bar]) -> Bar | None:
    """Return the 1h bar that is folded from the 1m bars in a span; None without any.

    Its `ticks` are at least 1: an hour folded from historical minutes is not itself historical.
    """
    folded: Bar | None = None
    for bar in filter(span.holds, minutes):
        folded = bar if folded is None else merge(folded, bar)
    if folded is None:
        return None
    ticks = max(folded.ticks, 1)
    return msgspec.structs.replace(
        folded, interval="1h", start=span.start, closed=True, revision=0, ticks=ticks
    )


def day_range(session: Session) -> tuple[str, str]:
    """Return a range that contains all ticks of a session: its hours, and twelve hours on either
    side."""
    early = min(session.open, session.pre_open)
    late = max(session.post_close, session.regular_until, session.close)
    return later(to_text(early), hours=-12), later(to_text(late), hours=12)
