"""The opening hours of one exchange, from exchange_calendars.

exchange_calendars knows the holidays of some exchanges (Bombay, Shanghai, Singapore) only to the
end of the year, since they are announced a year ahead. Beyond that every weekday counts as a
session with the exchange's usual hours.

exchange_calendars needs pandas, so it is imported on first use. Instants are aware UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

_DAY = timedelta(days=1)
_USUAL_OF = 60
"""The number of last sessions whose most frequent hours are an exchange's usual ones."""


class CalendarHours:
    """Opening hours from a calendar of exchange_calendars that knows all holidays."""

    assumed_after: datetime | None = None
    """The instant after which holidays are unknown."""

    def __init__(self, calendar: Any) -> None:
        self._calendar = calendar

    def is_open(self, instant: datetime) -> bool:
        """Return whether the exchange trades at the instant. A lunch break counts as trading."""
        return self._is_open(instant, ignore_breaks=True)

    def trades(self, instant: datetime) -> bool:
        """Return whether the exchange trades at the instant. A lunch break does not count as
        trading."""
        return self._is_open(instant, ignore_breaks=False)

    def _is_open(self, instant: datetime, *, ignore_breaks: bool) -> bool:
        import pandas

        stamp = pandas.Timestamp(instant)
        return bool(self._calendar.is_open_at_time(stamp, side="left", ignore_breaks=ignore_breaks))

    def next_open(self, instant: datetime) -> datetime:
        """Return when the exchange opens for the first time after the instant."""
        import pandas

        opens = self._calendar.next_open(pandas.Timestamp(instant).floor("min"))
        return datetime.fromtimestamp(opens.timestamp(), UTC)


class WeekdayHours(msgspec.Struct, frozen=True):
    """The same local hours on every weekday. `opens` and `closes` are times since the day's
    midnight."""

    zone: ZoneInfo
    opens: timedelta
    closes: timedelta

    def is_open(self, instant: datetime) -> bool:
        """Return whether the instant lies in `[opens, closes)` of a weekday."""
        return any(start <= instant < end for start, end in self._around(instant))

    def trades(self, instant: datetime) -> bool:
        """Return the same as `is_open`, since breaks are unknown."""
        return self.is_open(instant)

    def next_open(self, instant: datetime) -> datetime:
        """See CalendarHours.next_open."""
        return next(start for start, _ in self._around(instant) if start > instant)

    def _around(self, instant: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the sessions of seven days, beginning with the day before the instant."""
        first = instant.astimezone(self.zone).date() - _DAY
        for day in (first + _DAY * n for n in range(7)):
            if day.weekday() < 5:
                yield self._at(day, self.opens), self._at(day, self.closes)

    def _at(self, day: date, offset: timedelta) -> datetime:
        local = datetime.combine(day, time()) + offset
        return local.replace(tzinfo=self.zone).astimezone(UTC)


class BoundedHours(msgspec.Struct, frozen=True):
    """Opening hours that are known up to `assumed_after`; later, the usual hours on every
    weekday."""

    known: CalendarHours
    usual: WeekdayHours
    assumed_after: datetime

    def is_open(self, instant: datetime) -> bool:
        """See CalendarHours.is_open."""
        return self._hours_at(instant).is_open(instant)

    def trades(self, instant: datetime) -> bool:
        """See CalendarHours.trades."""
        return self._hours_at(instant).trades(instant)

    def next_open(self, instant: datetime) -> datetime:
        """See CalendarHours.next_open."""
        return self._hours_at(instant).next_open(instant)

    def _hours_at(self, instant: datetime) -> CalendarHours | WeekdayHours:
        return self.known if instant < self.assumed_after else self.usual


ExchangeHours = CalendarHours | BoundedHours
"""When an exchange trades."""


@cache
def hours_of(name: str, year: int) -> ExchangeHours:
    """Return a calendar's hours from the December before `year` to the February after `year`.

    If the calendar does not know its holidays that far ahead, usual hours follow the known ones.
    Raises exchange_calendars' errors for unknown names.
    """
    import exchange_calendars

    start, end = f"{year - 1}-12-01", f"{year + 1}-02-28"
    try:
        return CalendarHours(exchange_calendars.get_calendar(name, start=start, end=end))
    except ValueError:  # the calendar does not know its holidays so far ahead
        return _bounded(exchange_calendars.get_calendar(name))


def _bounded(calendar: Any) -> BoundedHours:
    zone = ZoneInfo(str(calendar.tz))
    sessions = calendar.schedule.iloc[-_USUAL_OF:]
    spans = Counter(
        (_offset(row.open, day, zone), _offset(row.close, day, zone))
        for day, row in zip(sessions.index, sessions.itertuples(), strict=True)
    )
    opens, closes = spans.most_common(1)[0][0]
    last_open = sessions["open"].iloc[-1]
    return BoundedHours(CalendarHours(calendar), WeekdayHours(zone, opens, closes), _utc(last_open))


def _offset(stamp: Any, day: Any, zone: ZoneInfo) -> timedelta:
    """Return the time from the session day's local midnight to `stamp`."""
    local = _utc(stamp).astimezone(zone).replace(tzinfo=None)
    return local - datetime.combine(day.date(), time())


def _utc(stamp: Any) -> datetime:
    return datetime.fromtimestamp(stamp.timestamp(), UTC)
