"""Ticks as they go over the wire: one JSON object a tick, numbers as decimal text.

The contract stands in docs/producer.md. Floats never reach the wire: what comes as text stays
the decimal that it was, what comes as a float is rounded to eight decimals first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import number, parse_symbol
from producer.errors import UsageError

Bar = Literal["1m", "1h", "1d"]
Mode = Literal["live", "replay", "backfill"]


class WireTick(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One tick, or one historical bar where `bar` is set (price is then its close). `folded` is
    the number of finer bars that it was made from, None of one that came as it is. `split` is
    "5:1" where five shares have taken the place of one with the tick's session, or the bar's day.

    Timestamps are text of 27 characters in UTC. Mutable, since the way through the producer
    corrects `timestamp` and sets `sent_at`.
    """

    symbol: str
    timestamp: str = ""
    price: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    volume: Decimal | None = None
    currency: str | None = None
    exchange_timezone: str | None = None
    market_state: str | None = None
    source: str | None = None
    mode: Mode | None = None
    bar: Bar | None = None
    folded: int | None = None
    split: str | None = None
    sent_at: str | None = None


class Line(msgspec.Struct, frozen=True, gc=False):
    """An encoded tick on its way out; `row` is its place in the spool, 0 without one, `since` the
    time.monotonic at which it came, 0 of what was read back from the spool, which does not tell the
    tick's timestamp, price and volume."""

    symbol: str
    payload: bytes
    is_bar: bool
    row: int = 0
    since: float = 0.0
    timestamp: str = ""
    price: Decimal | None = None
    volume: Decimal | None = None


encode = msgspec.json.Encoder(decimal_format="number").encode
decode = msgspec.json.Decoder(WireTick).decode

MOST_LINE_BYTES = 4096
"""Far below what any sink takes in a record; a line of ours has some 600 at most."""

TRACKED = "tracked"
"""Among symbols: those that people track."""

_SHOWN = 40
"""Characters of a number that a message repeats."""


def line_of(tick: WireTick) -> Line:
    """The tick as one line of JSON, without its end."""
    return Line(
        tick.symbol,
        encode(tick),
        tick.bar is not None,
        since=time.monotonic(),
        timestamp=tick.timestamp,
        price=tick.price,
        volume=tick.volume,
    )


def decimal_of(value: object) -> Decimal | None:
    """A finite number to at most eight decimals; None for what is missing, NaN or infinite.

    Takes text, int, Decimal and float (by its shortest text, so 0.1 is 0.1).
    Raises ValueError for text that is no number, and for a number of too many digits.
    """
    if value is None or value == "":
        return None
    try:
        exact = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"{str(value)[:_SHOWN]!r} is no number") from error
    return number(exact) if exact.is_finite() else None


def listed(text: str, named: str) -> tuple[tuple[str, ...], bool]:
    """The symbols of a list such as "A,B,tracked", and whether `tracked` is in it. Raises
    UsageError naming `named`."""
    names = text.split(",") if text else []
    own = [name for name in names if name.strip().lower() != TRACKED]
    return symbols_of(own, named), len(own) < len(names)


def symbols_of(texts: Iterable[str], named: str) -> tuple[str, ...]:
    """Symbols in upper case, each once, in order. Raises UsageError naming `named`."""
    try:
        return tuple(dict.fromkeys(parse_symbol(text.strip()) for text in texts))
    except TickError as error:
        raise UsageError(
            f"{named}: {error.value!r} is no symbol; allowed: {error.allowed}"
        ) from error
