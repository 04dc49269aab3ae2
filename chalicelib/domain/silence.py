"""Silence: a symbol's exchange trades, and no price of the symbol comes."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.times import EPOCH
from chalicelib.domain.trading_minutes import MINUTE, minute_of, trading_hours

LOOKED_BACK = 10 * 1440
"""How many minutes back trading is counted: enough for an exchange's longest closure and some
sessions around it."""


def silent_minutes(
    symbol: str, exchange_timezone: str | None, source: str, since: str, now: datetime
) -> int:
    """Return the minutes of trading since a symbol's last price at `since`, as far as its source
    should have published prices by now.

    It is 0 while its exchange does not trade, or if its trading hours are unknown.
    """
    hours = trading_hours(symbol, exchange_timezone)
    end = (now - source_delay(symbol, source) - EPOCH) // MINUTE
    if not hours.is_known or not any(hours.stretches(end, end + 1)):
        return 0
    start = max(minute_of(since) + 1, end - LOOKED_BACK)
    return sum(stretch.end - stretch.start for stretch in hours.stretches(start, end))
