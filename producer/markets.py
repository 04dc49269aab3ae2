"""Which market a symbol trades on, by Yahoo's suffixes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from chalicelib.domain.sessions import calendar_for

NEW_YORK = "America/New_York"

_ZONES = {".L": "Europe/London", ".HK": "Asia/Hong_Kong"}
_NOMINAL_CLOSES = {"XNYS": time(16), "XLON": time(16, 30), "XHKG": time(16)}


def timezone_of(symbol: str) -> str:
    """The IANA time zone of the symbol's exchange, New York's where nothing says otherwise."""
    for suffix, zone in _ZONES.items():
        if symbol.endswith(suffix):
            return zone
    calendar = calendar_for(symbol, None)
    return "UTC" if calendar.name == "24/7" else NEW_YORK


def zone_of(symbol: str) -> ZoneInfo:
    """The zone that `timezone_of` names."""
    return ZoneInfo(timezone_of(symbol))


def closing_time(symbol: str, day: date) -> datetime:
    """Where a price for the whole of `day` stands: the nominal close of the symbol's exchange.

    16:00 in New York on every day, early closes and days without a session among them, so that
    a recording of days is evenly spaced. Round-the-clock markets close within the day.
    """
    calendar = calendar_for(symbol, timezone_of(symbol))
    nominal = _NOMINAL_CLOSES.get(calendar.name)
    if nominal is None:
        return calendar.closing_instant(day)
    return datetime.combine(day, nominal, calendar.zone).astimezone(UTC)
