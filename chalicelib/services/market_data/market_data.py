"""Answer the API's most frequent requests: prices of one symbol, its newest price, and quotes of
many.

A request for ticks or for bars of a stored interval takes one GetItem of the state and one Query
page. docs/api.md has a table of the DynamoDB calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.detection import State, averages
from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.signals import average_side
from chalicelib.domain.sources import Switch, joined, runs_of
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Tick, enrich
from chalicelib.domain.times import to_text
from chalicelib.services.market_data.answers import ActionRow, BarRow, PriceTable, Quote, TickRow
from chalicelib.services.market_data.freshness import Labels, label
from chalicelib.services.market_data.queries import Cursor, PriceQuery
from chalicelib.services.market_data.series import Known, Series
from chalicelib.services.market_data.whole_ranges import RowCount, read_whole
from chalicelib.services.stores import Stores

_TRENDS = {1: "up", 0: "flat", -1: "down"}


class NoPrice(TicktapeError):  # noqa: N818 - named after the problem type
    """A known symbol has no stored price. `args` has the symbol."""


class MarketData:
    """Reads the prices of symbols. `clock` returns the present as an aware datetime."""

    def __init__(
        self,
        stores: Stores,
        clock: Callable[[], datetime],
        *,
        anomaly_percent: Decimal,
        fast: int,
        slow: int,
    ) -> None:
        self._states = stores.state
        self.series = Series(stores)
        self._clock = clock
        self._anomaly_percent = anomaly_percent
        self._fast, self._slow = fast, slow

    @property
    def average_names(self) -> tuple[str, str]:
        """Return the names of the two averages in quotes, the fast average first."""
        return f"sma_{self._fast}", f"sma_{self._slow}"

    def prices(self, query: PriceQuery, count: RowCount | None = None) -> PriceTable:
        """Return a page of ticks or bars, or the whole range if the query has no limit. The rows of
        a whole range are added to `count`.

        Raises Unknown, TooLarge.
        """
        known = self.series.known(query.symbol)
        self.series.adjust(query.adjustment)
        sources: list[tuple[Switch, ...]] = []

        def read(cursor: Cursor | None) -> PriceTable:
            page = self._page(msgspec.structs.replace(query, cursor=cursor), known)
            sources.append(page.sources)
            return page

        if query.limit is not None:
            return read(query.cursor)
        table = read_whole(read, query.cursor, count)
        return msgspec.structs.replace(table, sources=joined(sources))

    def _page(self, query: PriceQuery, known: Known) -> PriceTable:
        labels = self.labels(known).adjusted(query.adjustment)
        if query.interval == "tick":
            ticks = self.series.ticks(query, known)
            tick_rows = [self._tick_row(tick) for tick in ticks.rows]
            sources = runs_of(query.in_time(ticks.rows), "timestamp")
            return PriceTable(query.symbol, "tick", labels, tick_rows, ticks.cursor, sources)
        bars = self.series.bars(query, known)
        rows = [BarRow.of(bar) for bar in bars.rows]
        sources = runs_of(query.in_time(bars.rows), "start")
        asked = self.series.actions(known)
        actions = None if asked is None else tuple(map(ActionRow.of, asked.asked))
        return PriceTable(query.symbol, bars.interval, labels, rows, bars.cursor, sources, actions)

    def require_known(self, symbols: Sequence[str]) -> None:
        """Raise Unknown for the first symbol that was neither seen nor tracked."""
        states = self._states.get_many(symbols)
        for symbol in symbols:
            if symbol not in states:
                self.series.known(symbol)

    def latest(self, symbol: str) -> Quote:
        """Return a symbol's newest tick with both averages and their trend. Raises Unknown,
        NoPrice."""
        known = self.series.known(symbol)
        if known.state is None or known.last is None:
            raise NoPrice(symbol)
        return self.quote(known.state)

    def quotes(self, symbols: list[str]) -> list[Quote]:
        """Return the newest prices of at most 100 symbols, in the order of `symbols`. Symbols
        without a price are left out."""
        states = self._states.get_many(symbols)
        found = [states[symbol] for symbol in symbols if symbol in states]
        return [self.quote(state) for state in found if state.last is not None]

    def labels(self, known: Known) -> Labels:
        """Return the labels of an answer about a symbol."""
        now = self._clock()
        source = known.entry.known_sources.at(to_text(now)) if known.entry else None
        gap = known.state.gap if known.state else 0
        return label(known.symbol, known.last, now, source or UNKNOWN_SOURCE, gap)

    def quote(self, state: State) -> Quote:
        """Return the newest tick of a state with its averages. Raises NoPrice."""
        last = state.last
        if last is None:
            raise NoPrice(state.symbol)
        shown = averages(state.closes, self._fast, self._slow)
        side = average_side(state.closes, self._fast, self._slow)
        return Quote(
            self._tick_row(last),
            {name: shown.get(name) for name in self.average_names},
            None if side is None else _TRENDS[side],
            label(state.symbol, last, self._clock(), gap=state.gap),
            state.last_fired or None,
        )

    def _tick_row(self, tick: Tick) -> TickRow:
        return TickRow.of(tick, enrich(tick, self._anomaly_percent))
