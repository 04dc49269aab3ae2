"""Finds the market of a symbol by the symbol's suffix, as Yahoo writes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.domain.sessions import CRYPTO_PAIR, NEW_YORK, calendar_for


class Market(msgspec.Struct, frozen=True):
    """An exchange: the name of its calendar in exchange_calendars, and its IANA time zone."""

    calendar: str
    timezone: str


_NEW_YORK = Market("XNYS", NEW_YORK)
_CRYPTO = Market("24/7", "UTC")
_CURRENCIES = Market("24/5", "UTC")
_FUTURES = Market("CMES", NEW_YORK)
_LONDON = Market("XLON", "Europe/London")
_HONG_KONG = Market("XHKG", "Asia/Hong_Kong")

_MILAN = Market("XMIL", "Europe/Rome")
_MUMBAI = Market("XBOM", "Asia/Kolkata")
_SEOUL = Market("XKRX", "Asia/Seoul")
_SHANGHAI = Market("XSHG", "Asia/Shanghai")
_STUTTGART = Market("XSTU", "Europe/Berlin")
_TAIPEI = Market("XTAI", "Asia/Taipei")
_TORONTO = Market("XTSE", "America/Toronto")

_SUFFIXES = {
    ".AS": Market("XAMS", "Europe/Amsterdam"),
    ".AX": Market("XASX", "Australia/Sydney"),
    ".BA": Market("XBUE", "America/Argentina/Buenos_Aires"),
    ".BD": Market("XBUD", "Europe/Budapest"),
    ".BE": _STUTTGART,
    ".BK": Market("XBKK", "Asia/Bangkok"),
    ".BO": _MUMBAI,
    ".BR": Market("XBRU", "Europe/Brussels"),
    ".CN": _TORONTO,
    ".CO": Market("XCSE", "Europe/Copenhagen"),
    ".DE": Market("XETR", "Europe/Berlin"),
    ".DU": _STUTTGART,
    ".F": _STUTTGART,
    ".HA": _STUTTGART,
    ".HE": Market("XHEL", "Europe/Helsinki"),
    ".HK": _HONG_KONG,
    ".HM": _STUTTGART,
    ".IC": Market("XICE", "Atlantic/Reykjavik"),
    ".IL": _LONDON,
    ".IR": Market("XDUB", "Europe/Dublin"),
    ".IS": Market("XIST", "Europe/Istanbul"),
    ".JK": Market("XIDX", "Asia/Jakarta"),
    ".JO": Market("XJSE", "Africa/Johannesburg"),
    ".KL": Market("XKLS", "Asia/Kuala_Lumpur"),
    ".KQ": _SEOUL,
    ".KS": _SEOUL,
    ".L": _LONDON,
    ".LS": Market("XLIS", "Europe/Lisbon"),
    ".MC": Market("XMAD", "Europe/Madrid"),
    ".MI": _MILAN,
    ".MU": _STUTTGART,
    ".MX": Market("XMEX", "America/Mexico_City"),
    ".NS": _MUMBAI,
    ".NZ": Market("XNZE", "Pacific/Auckland"),
    ".OL": Market("XOSL", "Europe/Oslo"),
    ".PA": Market("XPAR", "Europe/Paris"),
    ".PR": Market("XPRA", "Europe/Prague"),
    ".SA": Market("BVMF", "America/Sao_Paulo"),
    ".SG": _STUTTGART,
    ".SI": Market("XSES", "Asia/Singapore"),
    ".SN": Market("XSGO", "America/Santiago"),
    ".SR": Market("XSAU", "Asia/Riyadh"),
    ".SS": _SHANGHAI,
    ".ST": Market("XSTO", "Europe/Stockholm"),
    ".SW": Market("XSWX", "Europe/Zurich"),
    ".SZ": _SHANGHAI,
    ".T": Market("XTKS", "Asia/Tokyo"),
    ".TI": _MILAN,
    ".TO": _TORONTO,
    ".TW": _TAIPEI,
    ".TWO": _TAIPEI,
    ".V": _TORONTO,
    ".VI": Market("XWBO", "Europe/Vienna"),
    ".WA": Market("XWAR", "Europe/Warsaw"),
    "=F": _FUTURES,
    "=X": _CURRENCIES,
}
"""Frankfurt's floor and the regional exchanges of Germany have Stuttgart's hours, 7:30 to 22:00."""

_INDICES = {
    "^FTSE": _LONDON,
    "^HSI": _HONG_KONG,
    "^GDAXI": _SUFFIXES[".DE"],
    "^N225": _SUFFIXES[".T"],
}
_NOMINAL_CLOSES = {"XNYS": time(16), "XLON": time(16, 30), "XHKG": time(16)}


def market_of(symbol: str) -> Market:
    """Return the symbol's market; by default New York."""
    if symbol in _INDICES:
        return _INDICES[symbol]
    suffix = symbol[max(symbol.rfind("."), symbol.rfind("=")) :]
    if suffix in _SUFFIXES and suffix != symbol:
        return _SUFFIXES[suffix]
    return _CRYPTO if CRYPTO_PAIR.fullmatch(symbol) else _NEW_YORK


def zone_of(symbol: str) -> ZoneInfo:
    """Return the time zone of the symbol's exchange."""
    return ZoneInfo(market_of(symbol).timezone)


def closing_time(symbol: str, day: date) -> datetime:
    """Return the nominal close of the symbol's exchange on `day`, the time of a price for that day.

    In New York the nominal close is 16:00 on every day. It stays the same on early closes and days
    without a session, so that a recording of days is evenly spaced. Round-the-clock markets close
    within the day.
    """
    market = market_of(symbol)
    nominal = _NOMINAL_CLOSES.get(market.calendar)
    if nominal is None:
        return calendar_for(symbol, market.timezone).closing_instant(day)
    return datetime.combine(day, nominal, zone_of(symbol)).astimezone(UTC)
