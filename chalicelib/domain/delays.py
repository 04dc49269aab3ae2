"""How late a source gives an exchange's prices: a property of the exchange, known by the symbol.

The minutes are those that Yahoo publishes in "Exchanges and data providers on Yahoo Finance"
(https://help.yahoo.com/kb/SLN2310.html), which GnuCash's manual repeats under "Yahoo Codes for
Exchanges and Markets". Editions of the list differ; the longer delay stands here, since one that
is too short silences every alert of an exchange, and one that is too long lets somewhat older
prices alert.
"""

from __future__ import annotations

from datetime import timedelta

YAHOO_SOURCES = ("yfinance", "yfinance-live")

_MINUTES = {
    10: (".JK", "=F"),
    15: (
        ".AS", ".AT", ".BD", ".BE", ".BK", ".BM", ".BO", ".BR", ".CN", ".CR", ".DE", ".DU", ".F",
        ".HA", ".HK", ".HM", ".IR", ".IS", ".JO", ".KL", ".LS", ".MC", ".MU", ".NS", ".OL", ".PA",
        ".QA", ".SA", ".SAU", ".SG", ".SN", ".SR", ".TO", ".V", ".VI", ".WA",
    ),
    20: (
        ".AX", ".CA", ".IL", ".KQ", ".KS", ".L", ".MI", ".MX", ".NZ", ".PR", ".SI", ".T", ".TA",
        ".TI", ".TW", ".TWO",
    ),
    30: (".BA", ".SS", ".SW", ".SZ"),
}  # fmt: skip
_INDICES = {"^FTSE": ".L", "^GDAXI": ".DE", "^HSI": ".HK", "^N225": ".T"}
_DELAYS = {
    suffix: timedelta(minutes=minutes) for minutes, names in _MINUTES.items() for suffix in names
}
_NONE = timedelta()


def exchange_delay(symbol: str) -> timedelta:
    """How late Yahoo gives the prices of the symbol's exchange.

    Zero for real-time exchanges (New York, Stockholm, Copenhagen, Helsinki), currencies, crypto
    and suffixes that are not in the list.
    """
    name = _INDICES.get(symbol, symbol)
    if name.endswith("=F"):
        return _DELAYS["=F"]
    return _DELAYS.get(name[name.rfind(".") :], _NONE) if "." in name else _NONE


def source_delay(symbol: str, source: str) -> timedelta:
    """How late a source gives a symbol's prices; zero for sources other than Yahoo."""
    return exchange_delay(symbol) if source in YAHOO_SOURCES else _NONE
