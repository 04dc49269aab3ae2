"""The prices table: one item per wire record and symbol, keyed by the record's last tick."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import (
    Item,
    batch_get,
    item_of,
    key_range,
    optional_number,
    optional_text,
    put_all,
    query,
)
from chalicelib.domain.errors import TooManyCopies
from chalicelib.domain.ticks import Tick, enrich
from chalicelib.domain.times import epoch_seconds, from_text, just_after, later, to_text
from chalicelib.services.priced import (
    Arrival,
    Copy,
    PricedRecord,
    Span,
    StoredTick,
    supersedes,
)
from chalicelib.services.stores import Page

SPAN_SECONDS = 60
"""The longest span of an item: a search for ticks up to an instant reads items up to that far
beyond it."""

_MICROSECOND = timedelta(microseconds=1)
_PRICED = ("price", "open", "high", "low", "previous_close", "volume")
_ARRIVAL = 1 + len(_PRICED)
_ABSENT = ""

# One of the record's other ticks: microseconds before the last one, then the fields of _PRICED
# as decimal text, then ingested_at and sequence; None stands for the last tick's own value, "" for
# none, trailing Nones are left out.
_Earlier = list[list[int | str | None]]
_earlier_decoder = msgspec.json.Decoder(_Earlier)


class Prices:
    """PriceStore over DynamoDB."""

    def __init__(self, client: Any, table: str, anomaly_percent: Decimal, ttl_days: int) -> None:
        self._client = client
        self._table = table
        self._anomaly_percent = anomaly_percent
        self._ttl_seconds = ttl_days * 86400

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """See PriceStore."""
        items = [self._to_item(record) for record in records]
        return put_all(self._client, self._table, ("symbol", "timestamp"), items, deadline)

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """See PriceStore."""
        asked = [{"symbol": {"S": symbol}, "timestamp": {"S": stamp}} for symbol, stamp in keys]
        return [_to_record(item) for item in batch_get(self._client, self._table, asked)]

    def ticks(
        self,
        symbol: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        most_copies: int | None = None,
    ) -> Page[StoredTick]:
        """See PriceStore."""
        through = later(end, seconds=SPAN_SECONDS) if end is not None else None
        request = key_range("symbol", symbol, "timestamp", start, through)
        pages = query(
            self._client,
            TableName=self._table,
            ScanIndexForward=not descending,
            ConsistentRead=consistent,
            Limit=min(limit + 2 * SPAN_SECONDS, 5000),
            **request,
        )
        return _collect(pages, start, end, limit, descending, most_copies or sys.maxsize)

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """See PriceStore."""
        start = just_after(after) if after is not None else None
        found = self._client.query(
            TableName=self._table,
            Limit=1,
            ProjectionExpression="ingested_at",
            **key_range("symbol", symbol, "timestamp", start, None),
        )["Items"]
        return optional_text(found[0], "ingested_at") if found else None

    def _to_item(self, record: PricedRecord) -> Item:
        last = record.ticks[-1]
        extra = enrich(last, self._anomaly_percent)
        item = item_of(
            symbol=last.symbol,
            timestamp=last.timestamp,
            open=last.open,
            high=last.high,
            low=last.low,
            price=last.price,
            previous_close=last.previous_close,
            change=extra.change,
            change_percent=extra.change_percent,
            volume=last.volume,
            moving_average=extra.moving_average,
            anomaly="Yes" if extra.anomaly else "No",
            currency=last.currency,
            exchange_timezone=last.exchange_timezone,
            market_state=last.market_state,
            source=last.source,
            mode=last.mode,
            split=last.split,
            ingested_at=record.ingested_at,
            expires_at=epoch_seconds(record.ingested_at) + self._ttl_seconds,
            complete_from=_complete_from(record),
            sequence=record.sequence or None,
        )
        if len(record.ticks) > 1:
            item["earlier"] = {"S": _pack(record.stored)}
        return item


def _complete_from(record: PricedRecord) -> str | None:
    """Return the timestamp, followed by the digest of the batch's other ticks and their stretches,
    if any: `FIRST 1a2b3c4d FIRST/LAST,FIRST/LAST`, with stored timestamps."""
    if record.complete_from is None or record.others is None:
        return record.complete_from
    spans = ",".join(f"{start}/{end}" for start, end in record.spans)
    return " ".join(filter(None, (record.complete_from, record.others, spans)))


class CompleteFrom(msgspec.Struct, frozen=True):
    """The contents of an item's `complete_from`; see PricedRecord."""

    first: str
    others: str | None = None
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, text: str) -> CompleteFrom:
        """Parse the attribute."""
        first, *rest = text.split(" ")
        spans = (span.partition("/") for span in rest[1].split(",")) if len(rest) > 1 else ()
        return cls(first, rest[0] if rest else None, tuple((start, end) for start, _, end in spans))


def _pack(stored: Sequence[StoredTick]) -> str:
    last = stored[-1]
    end = from_text(last.tick.timestamp)
    rows: _Earlier = []
    for one in stored[:-1]:
        row: list[int | str | None] = [(end - from_text(one.tick.timestamp)) // _MICROSECOND]
        for field in _PRICED:
            value, same = getattr(one.tick, field), getattr(last.tick, field)
            row.append(None if value == same else _ABSENT if value is None else f"{value:f}")
        row += [None, None] if one.arrival == last.arrival else one.arrival
        while row[-1] is None:
            row.pop()
        rows.append(row)
    return msgspec.json.encode(rows).decode()


def _to_record(item: Item) -> PricedRecord:
    mark = CompleteFrom.of(optional_text(item, "complete_from") or "")
    return msgspec.structs.replace(
        PricedRecord.of(list(unpack(item))),
        complete_from=mark.first or None,
        others=mark.others,
        spans=mark.spans,
    )


def unpack(item: Item) -> Iterator[StoredTick]:
    """Yield all ticks of an item, in time order."""
    last = _last_tick(item)
    own = Arrival(item["ingested_at"]["S"], int(item["sequence"]["N"]) if "sequence" in item else 0)
    if "earlier" in item:
        end = from_text(last.timestamp)
        for row in _earlier_decoder.decode(item["earlier"]["S"]):
            offset, *figures = row[:_ARRIVAL]
            timestamp = to_text(end - int(offset or 0) * _MICROSECOND)
            at, sequence = row[_ARRIVAL:] or own
            yield StoredTick(_earlier_tick(figures, last, timestamp), str(at), int(sequence or 0))
    yield StoredTick(last, *own)


def _earlier_tick(figures: Sequence[int | str | None], last: Tick, timestamp: str) -> Tick:
    given: dict[str, Any] = {}
    for field, value in zip(_PRICED, figures, strict=False):
        if value is not None:
            given[field] = None if value == _ABSENT else Decimal(value)
    return msgspec.structs.replace(last, timestamp=timestamp, **given)


def _last_tick(item: Item) -> Tick:
    return Tick(
        symbol=item["symbol"]["S"],
        timestamp=item["timestamp"]["S"],
        price=Decimal(item["price"]["N"]),
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


def _collect(
    pages: Iterator[tuple[list[Item], bool]],
    start: str | None,
    end: str | None,
    limit: int,
    descending: bool,
    most_copies: int,
) -> Page[StoredTick]:
    """Return sorted ticks of items that may overlap, up to `limit` of them.

    A tick is settled once no later item can hold an earlier one (ascending: items reach back at
    most SPAN_SECONDS) or a later one (descending: items hold nothing after their key). Of several
    copies of a tick the last to arrive counts, in either direction.
    """
    found: dict[str, Copy] = {}
    settled: list[str] = []
    finished = False
    copies = 0
    for items, is_last in pages:
        for item in items:
            key = item["timestamp"]["S"]
            for stored in unpack(item):
                stamp = stored.tick.timestamp
                inside = (start is None or stamp >= start) and (end is None or stamp < end)
                copies += inside and stamp in found
                if inside and (stamp not in found or supersedes((key, stored), found[stamp])):
                    found[stamp] = (key, stored)
            if copies > most_copies:
                raise TooManyCopies(most_copies)
        finished = is_last
        edge = items[-1]["timestamp"]["S"] if items else ""
        if not finished and not descending and edge:
            edge = later(edge, seconds=-SPAN_SECONDS)
        settled = sorted(
            (s for s in found if finished or (s >= edge if descending else s <= edge)),
            reverse=descending,
        )
        if len(found) - len(settled) > most_copies:  # all within the span of one item
            raise TooManyCopies(most_copies)
        if len(settled) >= limit:
            break
    rows = tuple(found[stamp][1] for stamp in settled[:limit])
    more = not finished or len(settled) > limit
    return Page(rows, rows[-1].tick.timestamp if more and rows else None)
