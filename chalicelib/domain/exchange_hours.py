"""Opening hours of the exchanges in the generated tables, for each day, in local time.

`tools/generate_sessions.py` generates the tables from exchange_calendars. Each table is loaded when
one of its exchanges is first used. Outside the table's years every weekday is a trading day with
the nearest known regular hours.
"""

from __future__ import annotations

from datetime import date, time
from types import ModuleType

import msgspec

from chalicelib.domain.yearly_days import YearlyDays


class Hours(msgspec.Struct, frozen=True):
    """The regular hours of a day. `pause` is the lunch break `[start, end)`."""

    open: time
    close: time
    pause: tuple[time, time] | None = None


class ExchangeHours:
    """The opening hours of one exchange. Raises KeyError for an exchange that is in no table.

    XNYS, XLON and XHKG have complete hours. The other exchanges have only days and closes; for
    them, `on` gives midnight as the opening.
    """

    def __init__(self, exchange: str) -> None:
        table = _table_of(exchange)
        self._runs = [_run(line) for line in reversed(table.HOURS[exchange].splitlines())]
        self._closed = YearlyDays(table.CLOSED[exchange])
        self._early = YearlyDays(table.EARLY.get(exchange, ""))

    def is_trading_day(self, day: date) -> bool:
        """Return whether the exchange has a session on a day."""
        return day.weekday() < 5 and day not in self._closed.of(day.year)

    def on(self, day: date) -> Hours:
        """Return the hours of a day. A day without a session has the usual hours.

        A session that closes early has no lunch break.
        """
        hours = next((hours for since, hours in self._runs if since <= day), self._runs[-1][1])
        early = self._early.of(day.year).get(day)
        if early is None or not self.is_trading_day(day):
            return hours
        return Hours(hours.open, time.fromisoformat(early))


def _table_of(exchange: str) -> ModuleType:
    if exchange in ("XNYS", "XLON", "XHKG"):
        from chalicelib.domain import session_table

        return session_table
    from chalicelib.domain import closing_table

    return closing_table


def _run(line: str) -> tuple[date, Hours]:
    since, *texts = line.split()
    opens, closes, *pause = (time.fromisoformat(text) for text in texts)
    return date.fromisoformat(since), Hours(opens, closes, (pause[0], pause[1]) if pause else None)
