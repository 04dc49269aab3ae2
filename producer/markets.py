"""Which market a symbol trades on, by the suffixes of Yahoo's symbols."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.domain.sessions import calendar_for

NEW_YORK = "America/New_York"


class Market(msgspec.Struct, frozen=True):
    """An exchange: its calendar's name in exchange_calendars and its IANA time zone."""

    calendar: str
    timezone: str


_NEW_YORK = Market("XNYS", NEW_YORK)
_CRYPTO = Market("24/7", "UTC")
_CURRENCIES = Market("24/5", "UTC")
_FUTURES = Market("CMES", NEW_YORK)
_LONDON = Market("XLON", "Europe/London")
_HONG_KONG = Market("XHKG", "Asia/Hong_Kong")

_SUFFIXES = {
    ".AS": Market("XAMS", "Europe/Amsterdam"),
    ".AX": Market("XASX", "Australia/Sydney"),
    ".DE": Market("XETR", "Europe/Berlin"),
    ".HK": _HONG_KONG,
    ".KS": Market("XKRX", "Asia/Seoul"),
    ".L": _LONDON,
    ".MI": Market("XMIL", "Europe/Rome"),
    ".NS": Market("XBOM", "Asia/Kolkata"),
    ".PA": Market("XPAR", "Europe/Paris"),
    ".SS": Market("XSHG", "Asia/Shanghai"),
    ".SW": Market("XSWX", "Europe/Zurich"),
    ".T": Market("XTKS", "Asia/Tokyo"),
    ".TO": Market("XTSE", "America/Toronto"),
    "=F": _FUTURES,
    "=X": _CURRENCIES,
}
_INDICES = {
    "^FTSE": _LONDON,
    "^HSI": _HONG_KONG,
    "^GDAXI": _SUFFIXES[".DE"],
    "^N225": _SUFFIXES[".T"],
}
_CRYPTO_PAIR = re.compile(r"[A-Z0-9]+-(?:USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)")
_NOMINAL_CLOSES = {"XNYS": time(16), "XLON": time(16, 30), "XHKG": time(16)}


def market_of(symbol: str) -> Market:
    """The symbol's market; New York's where nothing says otherwise."""
    if symbol in _INDICES:
        return _INDICES[symbol]
    for suffix, market in _SUFFIXES.items():
        if symbol.endswith(suffix):
            return market
    return _CRYPTO if _CRYPTO_PAIR.fullmatch(symbol) else _NEW_YORK


def zone_of(symbol: str) -> ZoneInfo:
    """The time zone of the symbol's exchange."""
    return ZoneInfo(market_of(symbol).timezone)


def closing_time(symbol: str, day: date) -> datetime:
    """Where a price for the whole of `day` stands: the nominal close of the symbol's exchange.

    16:00 in New York on every day, early closes and days without a session among them, so that
    a recording of days is evenly spaced. Round-the-clock markets close within the day.
    """
    market = market_of(symbol)
    nominal = _NOMINAL_CLOSES.get(market.calendar)
    if nominal is None:
        return calendar_for(symbol, market.timezone).closing_instant(day)
    return datetime.combine(day, nominal, zone_of(symbol)).astimezone(UTC)
