"""When a symbol's exchange is open, by exchange_calendars (holidays, half days, summer time).

exchange_calendars needs pandas, so it is imported when hours are first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from producer.markets import market_of

AFTER_CLOSE = timedelta(minutes=10)
"""Closing prices come a few minutes late: an exchange counts as open this long after its close."""


class Always:
    """`--ignore-hours`: everything is open."""

    def is_open(self, symbol: str, instant: datetime) -> bool:  # noqa: ARG002 - the interface's
        """True."""
        return True

    def next_open(self, symbols: Iterable[str], instant: datetime) -> datetime:  # noqa: ARG002
        """Now."""
        return instant


class MarketHours:
    """Hours by exchange. A lunch break counts as open. Instants are aware UTC."""

    def is_open(self, symbol: str, instant: datetime) -> bool:
        """Whether the exchange is open, or closed less than ten minutes ago."""
        calendar = _calendar(market_of(symbol).calendar, instant.year)
        return _trades(calendar, instant) or _trades(calendar, instant - AFTER_CLOSE)

    def next_open(self, symbols: Iterable[str], instant: datetime) -> datetime:
        """The first opening of any of the symbols' exchanges after the instant."""
        names = {market_of(symbol).calendar for symbol in symbols}
        return min(_next_open(_calendar(name, instant.year), instant) for name in names)


def _trades(calendar: Any, instant: datetime) -> bool:
    import pandas

    return bool(
        calendar.is_open_at_time(pandas.Timestamp(instant), side="left", ignore_breaks=True)
    )


def _next_open(calendar: Any, instant: datetime) -> datetime:
    import pandas

    opens = calendar.next_open(pandas.Timestamp(instant).floor("min"))
    return datetime.fromtimestamp(opens.timestamp(), UTC)


@cache
def _calendar(name: str, year: int) -> Any:
    """A calendar that holds the year and the next (exchange_calendars' default ends too soon
    for a producer that runs for months)."""
    import exchange_calendars

    return exchange_calendars.get_calendar(name, start=f"{year - 1}-12-01", end=f"{year + 1}-02-28")
