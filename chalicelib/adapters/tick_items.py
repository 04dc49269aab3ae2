"""Packs a record's ticks into one item of the prices table. The item's attributes are those of the
last tick, and `earlier` has the other ticks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, number_of, optional_number, optional_text, readable
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.priced import Arrival, StoredTick

KEY = ("symbol", "timestamp")

_MICROSECOND = timedelta(microseconds=1)
_PACKED = ("price", "open", "high", "low", "previous_close", "volume")
"""The fields of the rows in `earlier`, in order. They must not change even if a tick's fields do,
since stored items have them."""

_ARRIVAL = 1 + len(_PACKED)
_ABSENT = ""

# The record's other ticks. Each row has the tick's microseconds before the last tick, the fields of
# _PACKED as decimal text, ingested_at and sequence. None means the same value as in the last tick,
# "" no value. Nones at the end of a row are left out.
_Earlier = list[list[int | str | None]]
_earlier_decoder = msgspec.json.Decoder(_Earlier)

_FIRST_OFFSET = re.compile(r"\[\[(\d+)")


def pack(stored: Sequence[StoredTick]) -> str:
    """Return the text of `earlier` for ticks in time order: all but the last tick."""
    last = stored[-1]
    end = from_text(last.tick.timestamp)
    rows: _Earlier = []
    for one in stored[:-1]:
        row: list[int | str | None] = [(end - from_text(one.tick.timestamp)) // _MICROSECOND]
        for field in _PACKED:
            value, same = getattr(one.tick, field), getattr(last.tick, field)
            row.append(None if value == same else _ABSENT if value is None else f"{value:f}")
        row += [None, None] if one.arrival == last.arrival else one.arrival
        while row[-1] is None:
            row.pop()
        rows.append(row)
    return msgspec.json.encode(rows).decode()


def read_ticks(item: Item) -> list[StoredTick]:
    """Return all ticks of an item, in time order. If the item cannot be read, log that and return
    no tick."""
    return readable(lambda stored: list(unpack(stored)), item, "prices", KEY) or []


def unpack(item: Item) -> Iterator[StoredTick]:
    """Yield all ticks of an item, in time order. Raises an error of any kind if the item cannot be
    read."""
    last = _last_tick(item)
    own = Arrival(item["ingested_at"]["S"], int(item["sequence"]["N"]) if "sequence" in item else 0)
    from_text(last.timestamp)
    from_text(own.ingested_at)
    if "earlier" in item:
        end = from_text(last.timestamp)
        for row in _earlier_decoder.decode(item["earlier"]["S"]):
            offset, *figures = row[:_ARRIVAL]
            timestamp = to_text(end - int(offset or 0) * _MICROSECOND)
            at, sequence = row[_ARRIVAL:] or own
            yield StoredTick(_earlier_tick(figures, last, timestamp), str(at), int(sequence or 0))
    yield StoredTick(last, *own)


def first_stamp(item: Item) -> str:
    """Return the timestamp of an item's first tick. The other ticks are not unpacked."""
    key: str = item["timestamp"]["S"]
    found = _FIRST_OFFSET.match(item["earlier"]["S"]) if "earlier" in item else None
    return to_text(from_text(key) - int(found[1]) * _MICROSECOND) if found else key


def count_of(item: Item) -> int:
    """Return the number of an item's ticks. The ticks are not unpacked."""
    return item["earlier"]["S"].count("],[") + 2 if "earlier" in item else 1


def _earlier_tick(figures: Sequence[int | str | None], last: Tick, timestamp: str) -> Tick:
    given: dict[str, Any] = {}
    for field, value in zip(_PACKED, figures, strict=False):
        if value is not None:
            given[field] = None if value == _ABSENT else Decimal(value)
    return msgspec.structs.replace(last, timestamp=timestamp, **given)


def _last_tick(item: Item) -> Tick:
    return Tick(
        symbol=item["symbol"]["S"],
        timestamp=item["timestamp"]["S"],
        price=number_of(item, "price"),
        open=optional_number(item, "open"),
        high=optional_number(item, "high"),
        low=optional_number(item, "low"),
        previous_close=optional_number(item, "previous_close"),
        volume=optional_number(item, "volume"),
        currency=optional_text(item, "currency"),
        exchange_timezone=optional_text(item, "exchange_timezone"),
        market_state=optional_text(item, "market_state"),
        source=item["source"]["S"],
        mode=item["mode"]["S"],
        split=optional_text(item, "split"),
    )
