"""Finds the hour and the day to which a finer bar belongs."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.building import hour_start, is_extended
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.times import from_text, later, minute_of, to_text
from producer.wire import Bar, WireTick

_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)


class BarSpan(msgspec.Struct, frozen=True):
    """The start and the end of a coarser bar."""

    start: str
    over: str


class Standing(msgspec.Struct, frozen=True):
    """A bar's start, its session, and whether it counts as extended trading."""

    start: datetime
    session: Session
    extended: bool

    def place(self, target: Bar) -> BarSpan | None:
        """Return the coarser bar to which the bar belongs; None for the day of a bar outside
        regular hours."""
        if target == "1m":
            minute = minute_of(to_text(self.start))
            return BarSpan(minute, later(minute, minutes=1))
        if target == "1h":
            hour = hour_start(self.session, self.start, self.extended)
            return BarSpan(to_text(hour), to_text(hour + _HOUR))
        return None if self.extended else _day(self.session)


def standing_of(bar: WireTick, length: timedelta, before: Session | None) -> Standing:
    """Find a bar's session; `before` is the session of the symbol's previous bar.

    A bar belongs where it starts, with two exceptions. A bar that spans the open is regular if it
    is the first of its session: only files with extended hours have earlier bars. A bar that starts
    at the close is extended, unless it is a minute or a single price: those have the closing price.
    """
    start = from_text(bar.timestamp)
    session = calendar_for(bar.symbol, bar.exchange_timezone).session_at(start)
    instant = start
    if start < session.open < start + length and session != before:
        instant = session.open
    elif start == session.regular_until and length > _MINUTE and not _is_a_price(bar):
        instant = start + _INSTANT
    return Standing(start, session, is_extended(session, instant, None))


def _is_a_price(bar: WireTick) -> bool:
    """Return whether a bar had no trades, such as the row that Yahoo adds for the closing price."""
    return bar.high == bar.low and not bar.volume


def _day(session: Session) -> BarSpan:
    over = max(session.post_close, session.regular_until)
    return BarSpan(f"{session.date}T00:00:00.000000Z", to_text(over))
