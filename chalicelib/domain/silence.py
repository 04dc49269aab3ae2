"""Measures for how long a symbol whose exchange trades has been silent."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.times import EPOCH
from chalicelib.domain.trading_minutes import MINUTE, minute_of, trading_hours

LOOKED_BACK = 10 * 1440
"""How many minutes back trading is counted. This covers an exchange's longest closure and some
sessions around it."""


def silent_minutes(
    symbol: str, exchange_timezone: str | None, source: str, since: str, now: datetime
) -> int:
    """Return the minutes of trading after a symbol's last price at `since`. They count up to the
    time until which its source should have published prices by now.

    The result is 0 while the exchange does not trade, or if its trading hours are unknown.
    """
    hours = trading_hours(symbol, exchange_timezone)
    end = (now - source_delay(symbol, source) - EPOCH) // MINUTE
    if not hours.is_known or not any(hours.stretches(end, end + 1)):
        return 0
    start = max(minute_of(since) + 1, end - LOOKED_BACK)
    return sum(stretch.end - stretch.start for stretch in hours.stretches(start, end))
