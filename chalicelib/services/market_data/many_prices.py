"""Prices of several symbols in one table: one symbol after the other, each in order of time.

A page ends after the symbol at which MOST_READ stored bars have been read. In a whole range, the
rows of all symbols are counted during reading. Too long a range is therefore refused early.
"""

from __future__ import annotations

import msgspec

from chalicelib.services.market_data.answers import PriceTable
from chalicelib.services.market_data.bar_reading import MOST_READ
from chalicelib.services.market_data.market_data import MarketData
from chalicelib.services.market_data.queries import ManyPricesQuery, PriceCursor
from chalicelib.services.market_data.whole_ranges import RowCount
from chalicelib.services.parallel import in_parallel

PARALLEL_SYMBOLS = 8


class ManyPrices(msgspec.Struct, frozen=True):
    """A page of several symbols, with a table for each in order. `cursor` leads to the next page;
    None on the last page."""

    tables: tuple[PriceTable, ...]
    cursor: PriceCursor | None


def many_prices(market_data: MarketData, query: ManyPricesQuery) -> ManyPrices:
    """Return a page of all symbols' rows or, if the query has no limit, the whole range of each
    symbol.

    Raises Unknown, TooLarge.
    """
    market_data.require_known(query.symbols)
    if query.each.limit is None:
        return _whole(market_data, query)
    tables: list[PriceTable] = []
    left = query.each.limit
    cursor = query.cursor
    for symbol in _from(query):
        if left == 0 or market_data.series.stored.bars >= MOST_READ:
            return ManyPrices(tuple(tables), PriceCursor(symbol))
        within = cursor.within if cursor else None
        table = _one(market_data, query, symbol, PriceCursor(symbol, within), left, None)
        tables.append(table)
        left -= len(table.rows)
        if table.cursor is not None:
            return ManyPrices(tuple(tables), PriceCursor(symbol, table.cursor))
        cursor = None
    return ManyPrices(tuple(tables), None)


def _whole(market_data: MarketData, query: ManyPricesQuery) -> ManyPrices:
    start, count = query.cursor, RowCount()

    def one(symbol: str) -> PriceTable:
        within = start.within if start and start.symbol == symbol else None
        return _one(market_data, query, symbol, PriceCursor(symbol, within), None, count)

    tables = in_parallel(one, _from(query), PARALLEL_SYMBOLS)
    return ManyPrices(tuple(tables), None)


def _from(query: ManyPricesQuery) -> tuple[str, ...]:
    """Return the symbols that are left, beginning with the cursor's."""
    at = query.symbols.index(query.cursor.symbol) if query.cursor else 0
    return query.symbols[at:]


def _one(
    market_data: MarketData,
    query: ManyPricesQuery,
    symbol: str,
    cursor: PriceCursor,
    limit: int | None,
    count: RowCount | None,
) -> PriceTable:
    asked = msgspec.structs.replace(query.each, symbol=symbol, cursor=cursor.within, limit=limit)
    return market_data.prices(asked, count)
