"""Opening hours of the exchanges in the session table, day by day, in local time.

The table is generated from exchange_calendars by `tools/generate_sessions.py` and loaded with the
first exchange that is asked for. Outside its years every weekday is a trading day with the
nearest known regular hours.
"""

from __future__ import annotations

from datetime import date, time

import msgspec


class Hours(msgspec.Struct, frozen=True):
    """Regular hours of a day; `pause` is the lunch break [start, end)."""

    open: time
    close: time
    pause: tuple[time, time] | None = None


class ExchangeHours:
    """Opening hours of one exchange: XNYS, XLON or XHKG. Raises KeyError for any other."""

    def __init__(self, exchange: str) -> None:
        from chalicelib.domain import session_table

        self._runs = [_run(line) for line in reversed(session_table.HOURS[exchange].splitlines())]
        self._closed = _by_year(session_table.CLOSED[exchange])
        self._early = _by_year(session_table.EARLY[exchange])

    def is_trading_day(self, day: date) -> bool:
        """Whether the exchange has a session on the day."""
        return day.weekday() < 5 and f"{day:%m%d}" not in self._closed.get(day.year, ())

    def on(self, day: date) -> Hours:
        """Hours of a day, nominal ones where there is no session.

        A session that closes early has no lunch break.
        """
        hours = next((hours for since, hours in self._runs if since <= day), self._runs[-1][1])
        for mark in self._early.get(day.year, ()):
            if mark.startswith(f"{day:%m%d}@"):
                return Hours(hours.open, time.fromisoformat(mark[5:]))
        return hours


def _run(line: str) -> tuple[date, Hours]:
    since, *texts = line.split()
    opens, closes, *pause = (time.fromisoformat(text) for text in texts)
    return date.fromisoformat(since), Hours(opens, closes, (pause[0], pause[1]) if pause else None)


def _by_year(lines: str) -> dict[int, list[str]]:
    return {int(line[:4]): line[5:].split() for line in lines.splitlines()}
