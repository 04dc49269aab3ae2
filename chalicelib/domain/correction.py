"""Bars computed again from stored ticks, for what was late or came twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.domain.bars import Bar, merge
from chalicelib.domain.building import BarBuilder, Hour, hour_start, place_of
from chalicelib.domain.sessions import Calendar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, later, to_text


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
    """An hour, and where its minutes' labels lie: `[start, end)`, among them perhaps others'.

    Hours count from a session's open or close, so that those of neighbouring sessions may overlap:
    a minute belongs to the hour that its own session and flag say.
    """

    hour: Hour
    end: str
    calendar: Calendar

    @property
    def start(self) -> str:
        """The hour's label."""
        return self.hour.start

    def holds(self, bar: Bar) -> bool:
        """Whether a 1m bar is one of the hour's."""
        instant = from_text(bar.start)
        session = self.calendar.session_at(instant)
        return to_text(hour_start(session, instant, bar.extended)) == self.start


def hour_span(hour: Hour, calendar: Calendar) -> HourSpan:
    """The 60 minutes of an hour."""
    return HourSpan(hour, later(hour.start, hours=1), calendar)


def hour_of(span: HourSpan, minutes: Iterable[Bar]) -> Bar | None:
    """The 1h bar of a span, folded from the 1m bars in it; None where there are none."""
    folded: Bar | None = None
    for bar in filter(span.holds, minutes):
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
