"""The delay of a source's prices, which depends on the symbol's exchange.

Yahoo publishes the delays in "Exchanges and data providers on Yahoo Finance"
(https://help.yahoo.com/kb/SLN2310.html), and GnuCash's manual repeats them ("Yahoo Codes for
Exchanges and Markets", gnucash-docs, C/manual/tips-appendix.docbook). That copy lacks Johannesburg,
Riyadh's .SR and Warsaw, which have the 15 minutes of most exchanges. Too short a delay would
suppress every alert of an exchange. Too long a delay allows alerts on somewhat older prices.
"""

from __future__ import annotations

from datetime import timedelta

YAHOO_SOURCES = ("yfinance", "yfinance-live")
"""The sources whose prices come from Yahoo."""

_MINUTES = {
    10: (".CBT", ".CME", ".JK"),
    15: (
        ".AS", ".AT", ".BD", ".BE", ".BK", ".BM", ".BR", ".CN", ".CR", ".DE", ".DU", ".F",
        ".HA", ".HK", ".HM", ".IR", ".IS", ".JO", ".KL", ".LS", ".MC", ".MU", ".NX", ".OL", ".PA",
        ".QA", ".SA", ".SAU", ".SG", ".SN", ".SR", ".TO", ".V", ".VI", ".WA",
    ),
    20: (
        ".AX", ".CA", ".IL", ".KQ", ".KS", ".L", ".MI", ".MX", ".NZ", ".PR", ".SI", ".T", ".TA",
        ".TI", ".TW", ".TWO",
    ),
    30: (".BA", ".CMX", ".NYB", ".NYM", ".SS", ".SW", ".SZ", "=F"),
}  # fmt: skip
_CME_AND_CBOT = frozenset(
    (
        "6A", "6B", "6C", "6E", "6J", "6S", "BTC", "ES", "ETH", "GF", "HE", "KE", "LE", "M2K",
        "MES", "MNQ", "MYM", "NQ", "RTY", "YM", "ZB", "ZC", "ZF", "ZL", "ZM", "ZN", "ZO", "ZR",
        "ZS", "ZT", "ZW",
    )
)  # fmt: skip
"""Futures of .CME and .CBT. A future's symbol, such as `ES=F`, names no exchange. All other futures
get the delay of NYMEX."""
_INDICES = {"^FTSE": ".L", "^GDAXI": ".DE", "^HSI": ".HK", "^N225": ".T"}
_DELAYS = {
    suffix: timedelta(minutes=minutes) for minutes, names in _MINUTES.items() for suffix in names
}
_NONE = timedelta()


def exchange_delay(symbol: str) -> timedelta:
    """Return Yahoo's delay for the symbol's exchange.

    The delay is zero for real-time exchanges (New York, Mumbai, Stockholm, Copenhagen, Helsinki),
    currencies, crypto and unlisted suffixes.
    """
    name = _INDICES.get(symbol, symbol)
    if name.endswith("=F"):
        return _DELAYS[".CME" if name[:-2] in _CME_AND_CBOT else "=F"]
    return _DELAYS.get(name[name.rfind(".") :], _NONE) if "." in name else _NONE


def source_delay(symbol: str, source: str) -> timedelta:
    """Return the delay of a source's prices of a symbol; zero for sources other than Yahoo."""
    return exchange_delay(symbol) if source in YAHOO_SOURCES else _NONE
