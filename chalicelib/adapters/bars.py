"""The bars table: finished bars, one partition per symbol and interval.

An extended bar's range key is its start plus a microsecond, since the same minute or hour may also
have a regular bar. A historical bar covers its whole interval, so readers skip an extended bar that
was made from ticks of that interval. They also skip the tombstone of a deleted bar. A symbol with
stored history has another partition, with a mark that changes whenever the history changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb import (
    Item,
    Row,
    item_of,
    key_range,
    number_of,
    optional_number,
    put_all,
    readable,
)
from chalicelib.adapters.historical_bars import FOLDED, LATE
from chalicelib.adapters.inserts import insert_all
from chalicelib.adapters.replacing import Condition, Replacing
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.bars import Bar, start_of
from chalicelib.domain.times import epoch_seconds, just_after
from chalicelib.services.parallel import in_parallel
from chalicelib.services.stores import Close, Page, Refused, refused_by

PARALLEL_PUTS = 8
_KEY = ("series", "start")

MARK = "mark"
"""Stands for the interval in the key of a symbol's mark."""


class Bars(TableAccess):
    """Implements BarStore on DynamoDB. `ttl_days` has by interval the days until bars expire."""

    def __init__(self, client: Any, table: str, ttl_days: Mapping[str, int]) -> None:
        super().__init__(client, table)
        self._ttl_days = ttl_days

    def bars(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        deleted: bool = False,
    ) -> Page[Bar]:
        """See BarStore.bars."""
        request = key_range("series", f"{symbol}#{interval}", "start", start, end)
        rows: list[Bar] = []
        for items, _ in self._query(
            ScanIndexForward=not descending,
            ConsistentRead=consistent,
            Limit=limit + 1,
            **request,
        ):
            found = (bar for bar in _read(_to_bar, items) if deleted or not bar.deleted)
            rows += [bar for bar in found if end is None or bar.key < end]
            if len(rows) > limit:
                break
        return Page(tuple(rows[:limit]), rows[limit - 1].key if len(rows) > limit else None)

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """See BarStore.closes."""
        request = key_range("series", f"{symbol}#{interval}", "start", start, end)
        request["ExpressionAttributeNames"] |= {"#s": "start", "#c": "close", "#e": "extended"}
        if newest is not None:
            request |= {"ScanIndexForward": False, "ConsistentRead": True, "Limit": newest}
        for items, _ in self._query(
            ProjectionExpression="#s, #c, session_date, #e, ticks, deleted",
            **request,
        ):
            there = (item for item in items if "deleted" not in item)
            yield from _read(_to_close, (x for x in there if end is None or x["start"]["S"] < end))

    def put(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore.put."""
        return self._put_over("revision < :revision", bar.revision, bar, expires_from)

    def _put_over(self, condition: str, revision: int, bar: Bar, expires_from: str) -> bool:
        """Put a bar if its key is free, or if the stored bar was made from ticks and its revision
        meets the condition. Return whether the bar was put."""
        return self._write_if(
            Item=self._to_item(bar, expires_from),
            ConditionExpression=f"attribute_not_exists(series) OR (ticks > :none AND {condition})",
            ExpressionAttributeValues={":none": {"N": "0"}, ":revision": {"N": str(revision)}},
        )

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """See BarStore.put_all. New bars (revision 0) are inserted 25 to a request. Later
        revisions, and bars whose insert is refused, are put one by one."""
        new = [bar for bar in bars if not bar.revision]
        left = [bar for bar in bars if bar.revision]
        if len(new) > 1:
            items = [self._to_item(bar, expires_from) for bar in new]
            new = [new[index] for index in insert_all(self._client, self._table, _KEY, items)]
        return self._put_each([*new, *left], expires_from)

    def _put_each(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        def in_the_way(bar: Bar) -> Bar | None:
            return None if self.put(bar, expires_from) else self._made_from_ticks(bar)

        return refused_by(bars, in_parallel(in_the_way, bars, PARALLEL_PUTS))

    def _made_from_ticks(self, bar: Bar) -> Bar | None:
        """Return the bar or tombstone with a bar's key. None if there is none or it is
        historical."""
        end = just_after(bar.key)
        page = self.bars(
            bar.symbol, bar.interval, bar.key, end, limit=1, consistent=True, deleted=True
        )
        return next((stored for stored in page.rows if stored.ticks > 0), None)

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore.discard."""
        tombstone = msgspec.structs.replace(bar, deleted=True, revision=bar.revision + 1)
        buried = self._put_over("revision = :revision", bar.revision, tombstone, expires_from)
        stored = None if buried else self._made_from_ticks(bar)
        return buried or (stored is not None and stored.deleted)

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.write_history."""
        items = [self._history_item(bar, arrival) for bar in bars]
        return put_all(self._client, self._table, _KEY, items, deadline)

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.write_late_history."""
        return self._replace(LATE, bars, arrival, deadline)

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore.fill."""
        return self._replace(FOLDED, bars, arrival, deadline)

    def _replace(
        self, condition: Condition, bars: Sequence[Bar], arrival: str, deadline: float
    ) -> set[int]:
        items = [self._history_item(bar, arrival) for bar in bars]
        return Replacing(self._client, self._table, _KEY, condition)(items, deadline)

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """See BarStore.mark_history."""
        marks = [
            item_of(series=f"{symbol}#{MARK}", start=MARK, mark=os.urandom(8).hex())
            for symbol in symbols
        ]
        if len(marks) == 1:  # the role of rebuild may put single items only
            self._client.put_item(TableName=self._table, Item=marks[0])
            return set()
        return put_all(self._client, self._table, _KEY, marks, deadline)

    def history_mark(self, symbol: str) -> str:
        """See BarStore.history_mark."""
        for item in self._partition("series", f"{symbol}#{MARK}", ConsistentRead=True):
            return str(item.get("mark", {}).get("S", ""))
        return ""

    def _history_item(self, bar: Bar, arrival: str) -> Item:
        return self._to_item(bar, arrival) | {"arrived": {"S": arrival}}

    def _to_item(self, bar: Bar, expires_from: str) -> Item:
        days = self._ttl_days.get(bar.interval)
        return item_of(
            series=bar.series,
            start=bar.key,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            ticks=bar.ticks,
            session_date=bar.session_date,
            source=bar.source,
            closed=bar.closed,
            extended=bar.extended or None,
            revision=bar.revision,
            folded=bar.folded or None,
            deleted=bar.deleted or None,
            expires_at=epoch_seconds(expires_from) + days * 86400 if days else None,
        )


def _read(convert: Callable[[Item], Row], items: Iterable[Item]) -> Iterator[Row]:
    """Yield the rows of the items that can be read."""
    rows = (readable(convert, item, "bar", _KEY) for item in items)
    return (row for row in rows if row is not None)


def _to_close(item: Item) -> Close:
    key, extended = item["start"]["S"], "extended" in item
    date = item["session_date"]["S"] or key[:10]
    close = number_of(item, "close")
    return Close(start_of(key, extended=extended), date, close, int(item["ticks"]["N"]), extended)


def _to_bar(item: Item) -> Bar:
    symbol, _, interval = item["series"]["S"].rpartition("#")
    extended = "extended" in item
    return Bar(
        symbol=symbol,
        interval=interval,
        start=start_of(item["start"]["S"], extended=extended),
        open=number_of(item, "open"),
        high=number_of(item, "high"),
        low=number_of(item, "low"),
        close=number_of(item, "close"),
        volume=optional_number(item, "volume"),
        ticks=int(item["ticks"]["N"]),
        session_date=item["session_date"]["S"],
        source=item["source"]["S"],
        closed=item["closed"]["BOOL"],
        extended=extended,
        revision=int(item["revision"]["N"]),
        folded=int(item["folded"]["N"]) if "folded" in item else 0,
        deleted="deleted" in item,
    )
