"""The prices table: one item per record and symbol, keyed by the record's last tick."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import Item, item_of, key_range, optional_text, put_all, readable
from chalicelib.adapters.table_access import TableAccess
from chalicelib.adapters.tick_items import KEY as _KEY
from chalicelib.adapters.tick_items import pack, unpack
from chalicelib.adapters.tick_pages import SPAN_SECONDS, Collected
from chalicelib.domain.ticks import enrich
from chalicelib.domain.times import epoch_seconds, is_instant, just_after, later
from chalicelib.services.priced import PricedRecord, Span, StoredTick
from chalicelib.services.stores import Page


class Prices(TableAccess):
    """Implements PriceStore on DynamoDB."""

    def __init__(self, client: Any, table: str, anomaly_percent: Decimal, ttl_days: int) -> None:
        super().__init__(client, table)
        self._anomaly_percent = anomaly_percent
        self._ttl_seconds = ttl_days * 86400

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """See PriceStore.write."""
        items = [self._to_item(record) for record in records]
        return put_all(self._client, self._table, _KEY, items, deadline)

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """See PriceStore.find_many."""
        asked = [{"symbol": {"S": symbol}, "timestamp": {"S": stamp}} for symbol, stamp in keys]
        found = (readable(_record_of, item, "prices", _KEY) for item in self._read_all(asked))
        return [record for record in found if record is not None]

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
        most: int | None = None,
    ) -> Page[StoredTick]:
        """See PriceStore.ticks."""
        through = later(end, seconds=SPAN_SECONDS) if end is not None else None
        request = key_range("symbol", symbol, "timestamp", start, through)
        pages = self._query(
            ScanIndexForward=not descending,
            ConsistentRead=consistent,
            Limit=min(limit + 2 * SPAN_SECONDS, 5000),
            **request,
        )
        collected = Collected(start, end, limit, descending, most_copies, most)
        for items, is_last in pages:
            for item in items:
                collected.add(item)
            if collected.is_full(items[-1] if items else None, is_last):
                break
        return collected.page()

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """See PriceStore.arrival_after."""
        start = just_after(after) if after is not None else None
        found = self._client.query(
            TableName=self._table,
            Limit=1,
            ProjectionExpression="ingested_at",
            **key_range("symbol", symbol, "timestamp", start, None),
        )["Items"]
        arrival = found[0].get("ingested_at", {}).get("S", "") if found else ""
        return arrival if is_instant(arrival) else None

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
            item["earlier"] = {"S": pack(record.stored)}
        return item


def _complete_from(record: PricedRecord) -> str | None:
    """Return the text of an item's `complete_from`, such as `FIRST 1a2b3c4d FIRST/LAST,FIRST/LAST`.
    The text begins with a timestamp. If the batch has other ticks of the symbol, their digest
    follows, and then the spans if there are several. None for a record without `complete_from`."""
    if record.complete_from is None or record.others is None:
        return record.complete_from
    spans = ",".join(f"{start}/{end}" for start, end in record.spans)
    return " ".join(filter(None, (record.complete_from, record.others, spans)))


class CompleteFrom(msgspec.Struct, frozen=True):
    """The contents of an item's `complete_from`. PricedRecord describes the fields."""

    first: str
    others: str | None = None
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, text: str) -> CompleteFrom:
        """Return the contents of the text of a `complete_from`."""
        first, *rest = text.split(" ")
        spans = (span.partition("/") for span in rest[1].split(",")) if len(rest) > 1 else ()
        return cls(first, rest[0] if rest else None, tuple((start, end) for start, _, end in spans))


def _record_of(item: Item) -> PricedRecord:
    mark = CompleteFrom.of(optional_text(item, "complete_from") or "")
    return msgspec.structs.replace(
        PricedRecord.of(list(unpack(item))),
        complete_from=mark.first or None,
        others=mark.others,
        spans=mark.spans,
    )
