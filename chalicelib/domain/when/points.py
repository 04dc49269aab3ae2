"""The points at which a rule is judged, and the bars that are over at a point.

A bar counts from the point on at which it is over. Labels and sessions alone decide this. The
result is therefore the same live and in a preview, and no value looks ahead.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_text, later, to_text

SECONDS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
DAYS = ("1d", "1wk", "1mo")
_ONE = timedelta(days=1)


class Point(msgspec.Struct, frozen=True):
    """A tick, or the close of a bar.

    label: the bar's label, or the tick's timestamp; end: the instant from which it counts; date:
    the session's date, for a week or month the date of its last day.
    """

    interval: str
    label: str
    end: str
    date: str


def bar_point(interval: str, label: str, session_date: str, symbol: str, zone: str | None) -> Point:
    """Return the point at the close of a bar. The bar belongs to a session of a symbol in a time
    zone."""
    if interval in DAYS:
        session_date = last_date(interval, label)
        end = _session_close(symbol, zone, session_date)
    else:
        end = later(label, seconds=SECONDS[interval])
    return Point(interval, label, end, session_date)


def session_date(symbol: str, zone: str | None, instant: str) -> str:
    """Return the date of the session that contains an instant."""
    return calendar_for(symbol, zone).session_at(from_text(instant)).date.isoformat()


def tick_point(timestamp: str, session_date: str) -> Point:
    """Return the point at a tick."""
    return Point("tick", timestamp, timestamp, session_date)


def day_after(interval: str, label: str) -> str:
    """Return the first date after the day, week or month with this label."""
    day = date.fromisoformat(label[:10])
    if interval == "1wk":
        return (day + 7 * _ONE).isoformat()
    if interval == "1mo":
        return (day.replace(day=28) + 4 * _ONE).replace(day=1).isoformat()
    return (day + _ONE).isoformat()


def last_date(interval: str, label: str) -> str:
    """Return the last date of the day, week or month with this label."""
    return (date.fromisoformat(day_after(interval, label)) - _ONE).isoformat()


class Due:
    """Decides whether bars of a series are over. `symbol` is empty for the rule's own symbol."""

    def __init__(self, symbol: str, interval: str, zone: str | None) -> None:
        self._symbol = symbol
        self._interval = interval
        self._zone = zone

    def __call__(self, bar: Bar, point: Point) -> bool:
        """Return whether `bar` is over at `point`."""
        if not self._symbol and self._interval == point.interval:
            return bar.start <= point.label
        if self._interval not in DAYS:
            if not self._symbol and point.interval in DAYS:
                return bar.session_date <= point.date
            return later(bar.start, seconds=SECONDS[self._interval]) <= point.end
        until = day_after(self._interval, bar.start)
        if self._symbol:
            last = last_date(self._interval, bar.start)
            return _session_close(self._symbol, self._zone, last) <= point.end
        if point.interval in DAYS:
            return until <= day_after(point.interval, point.label)
        return until <= point.date


def _session_close(symbol: str, zone: str | None, day: str) -> str:
    return to_text(calendar_for(symbol, zone).session_on(date.fromisoformat(day)).close)
