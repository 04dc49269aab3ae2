"""Compute indicators over a range, with as much data before it as they need."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import TooLarge
from chalicelib.domain.ticks import Tick
from chalicelib.services.market_data.bar_columns import BarColumns
from chalicelib.services.market_data.queries import MAX_LIMIT, Cursor, PriceQuery
from chalicelib.services.market_data.series import Known, Series, Slice
from chalicelib.services.market_data.studies import Study
from chalicelib.services.market_data.whole_ranges import read_whole

Row = dict[str, str | float | None]

MOST_VALUES = 250_000
"""The most values (rows times columns) of one answer: 50,000 rows of five columns are 5 MB of CSV.
A page of 5,000 rows has room for every column that can be requested."""


class IndicatorTable(msgspec.Struct, frozen=True):
    """A page with one row per bar or tick, in the requested order. `columns` has the indicators'
    columns, without `timestamp`."""

    interval: str
    columns: tuple[str, ...]
    rows: list[Row]
    cursor: Cursor | None


class IndicatorTables:
    """Computes indicators from stored data."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def table(self, query: PriceQuery, known: Known, studies: Sequence[Study]) -> IndicatorTable:
        """Return one page, or the whole range if the query has no limit. Earlier bars are read as
        far back as the indicators need. Raises TooLarge before anything is computed."""
        self._series.adjust(query.adjustment)
        columns = tuple(column for study in studies for column in study.columns)
        page = self._bars(query, known, len(columns))
        bars = page.rows[::-1] if query.descending else page.rows
        earlier = self._earlier(page.interval, known, bars, studies) if bars else []
        rows = _rows(page.interval, earlier, bars, studies)
        return IndicatorTable(
            page.interval, columns, rows[::-1] if query.descending else rows, page.cursor
        )

    def _bars(self, query: PriceQuery, known: Known, columns: int) -> Slice[Bar]:
        most = MOST_VALUES // columns
        count = 0

        def read(cursor: Cursor | None) -> Slice[Bar]:
            nonlocal count
            page = self._page(msgspec.structs.replace(query, cursor=cursor), known)
            count += len(page.rows)
            if count > most:
                raise _too_many_values(columns, most)
            return page

        return read_whole(read, query.cursor) if query.limit is None else read(query.cursor)

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
    """Return a bar with the time and price of a tick."""
    return Bar(
        symbol=tick.symbol,
        interval="tick",
        start=tick.timestamp,
        open=tick.price,
        high=tick.price,
        low=tick.price,
        close=tick.price,
    )


def _rows(
    interval: str, earlier: Sequence[Bar], bars: Sequence[Bar], studies: Sequence[Study]
) -> list[Row]:
    """Return a row for each of `bars`. Studies also use as many `earlier` bars as they need."""
    fields = BarColumns.of([*earlier, *bars])
    columns: list[Sequence[str | float | None]] = [[bar.start for bar in bars]]
    for study in studies:
        taken = min(len(earlier), max(0, study.warm_up(interval)))
        columns += study.values(fields.after(len(earlier) - taken), skip=taken)
    names = ("timestamp", *(column for study in studies for column in study.columns))
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _too_many_values(columns: int, rows: int) -> TooLarge:
    return TooLarge(
        f"limit: the range has more than {rows:,} rows, the most for {columns} columns of"
        " indicators: narrow it with start and end, ask for fewer indicators, or for pages with"
        " limit and follow Link or next_page_token",
        allowed=f"1 to {MAX_LIMIT}, or max for a range of at most {rows:,} rows",
    )
