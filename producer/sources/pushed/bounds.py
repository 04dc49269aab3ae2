"""Checks what a stream sends against ingest's bounds."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.domain.ticks import as_price, as_volume
from producer.malformed import flaw_of
from producer.sources.pushed.messages import Heard, MinuteVolume, Quote, Trade


def out_of_bounds(heard: Heard) -> str | None:
    """Return which number ingest would refuse, such as "malformed price"; None if it takes all.

    A quote is a complete tick, which is checked like those of all sources.
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
