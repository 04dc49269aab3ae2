"""The messages that a feed reads from its service's frames, and ingest's bounds for their
values."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from chalicelib.domain.ticks import as_price, as_volume
from producer.malformed import flaw_of
from producer.wire import WireTick

Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A trade's number. A frame with any other integer is a bad one."""


class BadFrame(ValueError):  # noqa: N818 - named by what it is
    """A frame that holds no message of the service; it is counted and skipped."""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade. `at` is stored text in UTC.

    `number` counts the symbol's trades without holes. If a service does not number them, `key`
    distinguishes the symbol's trades. A trade with `sets_price` False, such as an odd lot, only
    adds to the volume.
    """

    symbol: str
    at: str
    price: Decimal
    size: Decimal | None = None
    number: int | None = None
    key: str | None = None
    sets_price: bool = True


class Quote(msgspec.Struct, frozen=True):
    """A complete tick, with the session's values as the service computes them."""

    tick: WireTick


class MinuteVolume(msgspec.Struct, frozen=True):
    """The volume of the minute that starts at `at`, as the service counts it. It may be smaller
    than the sum of the trades, since the service leaves some trades out."""

    symbol: str
    at: str
    volume: Decimal


class Newest(msgspec.Struct, frozen=True):
    """The number of a symbol's newest trade, from a heartbeat."""

    symbol: str
    number: int


class Ready(msgspec.Struct, frozen=True):
    """The service accepts subscriptions now."""


class Accepted(msgspec.Struct, frozen=True):
    """The symbols whose subscription on this connection the service has acknowledged."""

    symbols: frozenset[str]


class Alive(msgspec.Struct, frozen=True):
    """A heartbeat, or another message without prices."""


class Unknown(msgspec.Struct, frozen=True):
    """The service does not know the symbol, and it refused the subscription for that reason."""

    symbol: str
    why: str


class TooMany(msgspec.Struct, frozen=True):
    """The service accepts at most `most` symbols from this subscriber."""

    most: int
    why: str


class Refused(msgspec.Struct, frozen=True):
    """The service refuses the connection. If `of_keys`, it refuses the keys, so waiting does not
    help."""

    why: str
    of_keys: bool = False


Heard = Trade | Quote | MinuteVolume
"""Messages about prices and volumes, which are handled in the order in which they come."""

Message = Heard | Newest | Ready | Accepted | Alive | Unknown | TooMany | Refused


def named(heard: Heard) -> tuple[str, str]:
    """Return a message's symbol, and its time as stored text."""
    if isinstance(heard, Quote):
        return heard.tick.symbol, heard.tick.timestamp
    return heard.symbol, heard.at


def out_of_bounds(heard: Heard) -> str | None:
    """Return which number of a message ingest would refuse, such as "malformed price".

    Return None if ingest accepts all numbers. A quote is a complete tick and is checked like the
    ticks of all sources.
    """
    match heard:
        case Trade():
            if as_price(heard.price) is None:
                return "malformed price"
            return _of_volume(heard.size)
        case MinuteVolume():
            return _of_volume(heard.volume)
        case Quote():
            return flaw_of(heard.tick)


def _of_volume(volume: Decimal | None) -> str | None:
    is_taken = volume is None or as_volume(volume) is not None
    return None if is_taken else "malformed volume"
