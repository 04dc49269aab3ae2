"""The minutes of regular trading, in which prices of a symbol are expected.

A minute is the number of whole minutes since 1970 in UTC. `sessions.py` has calendars whose trading
hours are known, except for the local days of a zone whose exchange is in no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from chalicelib.domain.sessions import UTC_NAMES, Calendar, DayCalendar, Session, calendar_for
from chalicelib.domain.times import EPOCH, epoch_seconds, to_text

MINUTE = timedelta(minutes=1)

_DAY = timedelta(days=1)

_OPENS = {
    "XAMS": "09:00",
    "XASX": "10:00",
    "XBOM": "09:15",
    "XETR": "09:00",
    "XKRX": "09:00",
    "XMIL": "09:00",
    "XPAR": "09:00",
    "XSHG": "09:30 11:30 13:00",
    "XSWX": "09:00",
    "XTKS": "09:00 11:30 12:30",
    "XTSE": "09:30",
}
"""When the exchanges of the closing table open and pause, in local time."""


class Stretch(NamedTuple):
    """The minutes `[start, end)` of trading without a pause in the session of `date`."""

    date: date
    start: int
    end: int


class TradingHours:
    """The stretches of trading in one calendar.

    `is_known` says whether the hours are known. If they are not, each local day is one stretch.
    """

    def __init__(self, calendar: Calendar, *, is_known: bool) -> None:
        self.calendar = calendar
        self.is_known = is_known

    def stretches(self, start: int, end: int) -> Iterator[Stretch]:
        """Yield the stretches within the minutes `[start, end)`, in order, cut at both ends."""
        if start >= end:
            return
        day = self.calendar.session_at(instant_of(start)).date - _DAY
        last = self.calendar.session_at(instant_of(end)).date + _DAY
        while day <= last:
            for opens, closes in self._on(day):
                stretch = Stretch(day, max(start, opens), min(end, closes))
                if stretch.start < stretch.end:
                    yield stretch
            day += _DAY

    def _on(self, day: date) -> Iterator[tuple[int, int]]:
        session = self.calendar.session_on(day)
        if self.is_known and not self.calendar.trades_on(day):
            return
        opens, close, pause = self._hours(session)
        if pause is None:
            yield _minute(opens), _minute(close)
        else:
            yield _minute(opens), _minute(min(pause[0], close))
            yield _minute(pause[1]), _minute(close)

    def _hours(
        self, session: Session
    ) -> tuple[datetime, datetime, tuple[datetime, datetime] | None]:
        exchange = self.calendar.exchange if isinstance(self.calendar, DayCalendar) else None
        if exchange is None:
            starts, ends = session.break_start, session.break_end
            pause = (starts, ends) if starts is not None and ends is not None else None
            return session.open, session.close, pause
        opens, *pauses = (self._at(session.date, text) for text in _OPENS[exchange].split())
        pause = (pauses[0], pauses[1]) if pauses else None
        return opens, self.calendar.trading_ends(session), pause

    def _at(self, day: date, text: str) -> datetime:
        at = datetime.combine(day, time.fromisoformat(text), self.calendar.zone)
        return at.astimezone(UTC)


def trading_hours(symbol: str, exchange_timezone: str | None) -> TradingHours:
    """Return the trading hours of a symbol. They are unknown for an exchange that is in no table,
    and for a time zone that is not in the IANA database."""
    calendar = calendar_for(symbol, exchange_timezone)
    known = True
    if isinstance(calendar, DayCalendar) and calendar.exchange is None:
        known = calendar.zone is UTC and (exchange_timezone or "UTC") in UTC_NAMES
    return TradingHours(calendar, is_known=known)


def minute_of(timestamp: str) -> int:
    """Return the minute that contains a stored timestamp."""
    return epoch_seconds(timestamp) // 60


def instant_of(minute: int) -> datetime:
    """Return the instant at which a minute starts."""
    return EPOCH + minute * MINUTE


def text_of(minute: int) -> str:
    """Return the start of a minute as stored text."""
    return to_text(instant_of(minute))


def _minute(instant: datetime) -> int:
    return (instant - EPOCH) // MINUTE
