"""Indicators over a range: the values that they have there with all that came before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.services.queries import Cursor, PriceQuery
from chalicelib.services.series import Known, Series, Slice
from chalicelib.services.studies import Study, Values
from chalicelib.services.whole_ranges import read_whole

Row = dict[str, str | float | None]


class IndicatorTable(msgspec.Struct, frozen=True):
    """A page of rows, one a bar or tick, in the order asked for; `columns` after `timestamp`."""

    interval: str
    columns: tuple[str, ...]
    rows: list[Row]
    cursor: Cursor | None


class IndicatorTables:
    """Computes indicators from what is stored."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def table(self, query: PriceQuery, known: Known, studies: Sequence[Study]) -> IndicatorTable:
        """One page, or the whole range. Raises TooManyRows."""

        def read(cursor: Cursor | None) -> IndicatorTable:
            return self._table(msgspec.structs.replace(query, cursor=cursor), known, studies)

        return read_whole(read, query.cursor) if query.limit is None else read(query.cursor)

    def _table(self, query: PriceQuery, known: Known, studies: Sequence[Study]) -> IndicatorTable:
        """It reads on backwards from its first row as far as the indicators need."""
        page = self._page(query, known)
        bars = page.rows[::-1] if query.descending else page.rows
        earlier = self._earlier(page.interval, known, bars, studies) if bars else []
        rows = _rows([*earlier, *bars], studies)[len(earlier) :]
        return IndicatorTable(
            page.interval,
            tuple(column for study in studies for column in study.columns),
            rows[::-1] if query.descending else rows,
            page.cursor,
        )

    def _page(self, query: PriceQuery, known: Known) -> Slice[Bar]:
        if query.interval != "tick":
            return self._series.bars(query, known)
        page = self._series.ticks(query, known)
        return Slice("tick", [_as_bar(tick) for tick in page.rows], page.cursor)

    def _earlier(
        self, interval: str, known: Known, bars: Sequence[Bar], studies: Sequence[Study]
    ) -> list[Bar]:
        count = max(study.warm_up(interval) for study in studies)
        if count < 1:
            return []
        if interval == "tick":
            ticks = self._series.ticks_before(known.symbol, bars[0].start, count)
            return [_as_bar(tick) for tick in ticks]
        return self._series.bars_before(known, interval, bars[0].key, count)


def _as_bar(tick: Tick) -> Bar:
    """A tick as a bar of its price alone."""
    return Bar(
        symbol=tick.symbol,
        interval="tick",
        start=tick.timestamp,
        open=tick.price,
        high=tick.price,
        low=tick.price,
        close=tick.price,
    )


def _rows(bars: Sequence[Bar], studies: Sequence[Study]) -> list[Row]:
    series: list[list[Values]] = [list(study.values(bars)) for study in studies]
    rows: list[Row] = []
    for at, bar in enumerate(bars):
        row: Row = {"timestamp": bar.start}
        for study, values in zip(studies, series, strict=True):
            row.update(zip(study.columns, values[at], strict=True))
        rows.append(row)
    return rows
