"""The names of columns and symbols as other programs write them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import parse_symbol

FIELDS: dict[str, tuple[str, ...]] = {
    "time": (
        "timestamp", "datetime", "date", "time", "date/time", "date time", "day", "gmt time",
        "local time", "open time", "trade date", "trading date", "observation date", "unix",
        "datum", "fecha", "t",
    ),
    "price": (
        "close", "close/last", "close price", "closing price", "adj close price", "last",
        "last price", "last sale", "settle", "settlement price", "schluss", "schlusskurs",
        "letzter", "clôture", "cloture", "dernier", "cierre", "c", "price",
    ),
    "open": (
        "open", "open price", "opening price", "opening", "first", "eröffnung", "eroeffnung",
        "erster", "ouverture", "ouv", "apertura", "o",
    ),
    "high": ("high", "high price", "max", "hoch", "tageshoch", "haut", "plus haut", "máximo", "h"),
    "low": ("low", "low price", "min", "tief", "tagestief", "bas", "plus bas", "mínimo", "l"),
    "volume": (
        "volume", "vol", "total volume", "volume traded", "total traded quantity", "stücke",
        "stuecke", "volumen", "umsatz", "v",
    ),
    "symbol": (
        "symbol", "ticker", "ticker symbol", "stock symbol", "stock", "instrument", "tic", "code",
        "name",
    ),
    "previous_close": ("previous close", "prev close", "prevclose"),
    "currency": ("currency",),
    "exchange_timezone": ("exchange timezone",),
    "market_state": ("market state",),
    "source": ("source",),
}  # fmt: skip
"""The names of each field, the preferred ones first."""

UNNAMED = frozenset(("", "unnamed: 0", "index"))
OTHERS = frozenset(
    ("adj close", "adjusted", "dividends", "stock splits", "capital gains", "repaired?")
)
"""Columns of yfinance and quantmod that are ignored."""

FIGURES = ("price", "open", "high", "low", "volume", "previous_close")

_LONGEST = 200
"""The most characters of a column's name."""

_FIELD_OF = {name: field for field, names in FIELDS.items() for name in names}
_TUPLE = re.compile(r"\('([^']+)', '([^']+)'\)")
_PAIR = re.compile(r"(.+?)[ ._-](.+)")
_STOOQ = {"US": "", "UK": ".L", "JP": ".T"}
_ENDINGS = re.compile(r"\.(csv|txt|tsv|parquet|pq|ndjson|jsonl|json|gz)$", re.IGNORECASE)
_BEHIND = re.compile(
    r"(?:[_ ]+(?:\d{0,3}[dhm]|\d+min|daily|hourly|minutes?|intraday|day|data|history"
    r"|historical|prices?|stock|max)| ?\(\d+\))+$",
    re.IGNORECASE,
)


def plain(name: str) -> str:
    """Normalise a column's name: lower case, without `<>`, `*`, units and underscores.

    A name too long for any field is returned unchanged, since searching it for units would take
    quadratic time.
    """
    if len(name) > _LONGEST:
        return name
    bare = re.sub(r"[<>*\"]|\(.*\)", "", name).replace("_", " ").strip().rstrip(".").lower()
    return " ".join(bare.split())


def field_of(name: str) -> str | None:
    """Return the field that a column's name stands for; None if the name is unknown."""
    return _FIELD_OF.get(plain(name))


def is_symbol(name: str) -> bool:
    """Return whether a column's name can be a symbol: in upper case, and not a number."""
    try:
        return parse_symbol(name) == name and any("A" <= letter <= "Z" for letter in name)
    except TickError:
        return False


def pair_of(name: str) -> tuple[str, str] | None:
    """Return field and symbol of a column's name like `AAPL.Close`, `Close_AAPL` or `('Close',
    'AAPL')`. Return None for a name of another form. The field is `other` for ignored columns."""
    if len(name) > _LONGEST:
        return None
    found = _TUPLE.fullmatch(name) or _PAIR.fullmatch(name)
    last = re.fullmatch(r"(.+)[ ._-]([^ ._-]+)", name)
    for pair in (found, last):
        if pair is None:
            continue
        for field, symbol in ((pair[1], pair[2]), (pair[2], pair[1])):
            known = field_of(field) or ("other" if plain(field) in OTHERS else None)
            if known and is_symbol(symbol):
                return known, symbol
    return None


@lru_cache(4096)
def symbol_of(text: str) -> str:
    """Convert a cell to a symbol in Yahoo's form: AAPL.US (Stooq) is AAPL, BTC/USD is BTC-USD.
    Raises TickError for an invalid symbol."""
    symbol = parse_symbol(text.strip().replace("/", "-"))
    stem, _, country = symbol.rpartition(".")
    return stem + _STOOQ[country] if stem and country in _STOOQ else symbol


def symbol_of_file(path: PurePath) -> str | None:
    """Return the symbol in a file's name; None if it has none. Examples: `AAPL.csv`, `aapl.us.txt`,
    `aapl_us_d.csv`, `BRK-B_1m.csv.gz`."""
    name = path.name
    while (shorter := _ENDINGS.sub("", name)) != name:
        name = shorter
    name = re.sub(r"(?i)_(us|uk|jp)(?=$|_)", r".\1", _BEHIND.sub("", name))
    try:
        return symbol_of(name)
    except TickError:
        return None


def is_named_by_symbol(path: PurePath) -> bool:
    """Return whether a file's name looks like a symbol: in upper case, or in Stooq's form."""
    stem = path.name.split(".")[0].split("_")[0].split(" ")[0]
    stooq = re.match(r"(?i)[^.]+[._](us|uk|jp)[._]", path.name)
    return bool(stooq) or (stem == stem.upper() and symbol_of_file(path) is not None)
