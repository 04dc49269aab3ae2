"""Prices of one symbol, its newest price, and quotes of many: what the API serves most.

DynamoDB calls: one GetItem of the state and one Query page answer a request for ticks or a stored
interval; docs/api.md has the table.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import hour_of, hour_span
from chalicelib.domain.detection import State, averages
from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.folding import BASE_OF
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.signals import average_side
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Tick, enrich
from chalicelib.domain.times import just_after
from chalicelib.services.answers import BarRow, PriceTable, Quote, TickRow
from chalicelib.services.bar_reading import BarPage, BarRequest, read_bars
from chalicelib.services.freshness import Labels, label
from chalicelib.services.interval_choice import choose
from chalicelib.services.periods import SESSIONS, period_start
from chalicelib.services.queries import Cursor, PriceQuery, Range
from chalicelib.services.stores import Stores, SymbolEntry

MOST_MINUTES = 61
"""Of an hourly bar: its own, and the one of the closing price."""

_TRENDS = {1: "up", 0: "flat", -1: "down"}


class UnknownSymbol(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """Neither a price nor a line of a list is there. `args` is the symbol."""


class NoPrice(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """The symbol is known, but no price of it was stored. `args` is the symbol."""


class Known(msgspec.Struct, frozen=True):
    """What is known of a symbol before its rows are read."""

    symbol: str
    state: State | None
    entry: SymbolEntry | None

    @property
    def last(self) -> Tick | None:
        """The newest tick that has been detected."""
        return self.state.last if self.state else None


class MarketData:
    """Reads prices. `clock` gives the present as an aware datetime."""

    def __init__(
        self,
        stores: Stores,
        clock: Callable[[], datetime],
        *,
        anomaly_percent: Decimal,
        fast: int,
        slow: int,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._anomaly_percent = anomaly_percent
        self._fast, self._slow = fast, slow

    def prices(self, query: PriceQuery) -> PriceTable:
        """A page of ticks or bars. Raises UnknownSymbol."""
        known = self.known(query.symbol)
        if query.interval == "tick":
            return self._ticks(query, known)
        page, interval, reach = self._bars(query, known)
        rows = [BarRow.of(bar) for bar in page.rows]
        cursor = Cursor(interval, reach, rows[-1].timestamp) if page.more else None
        return PriceTable(query.symbol, interval, self._labels(known), rows, cursor)

    def latest(self, symbol: str) -> Quote:
        """The newest tick with both averages and their trend. Raises UnknownSymbol, NoPrice."""
        known = self.known(symbol)
        if known.state is None or known.last is None:
            raise NoPrice(symbol)
        return self._quote(known.state, known.last)

    @property
    def average_names(self) -> tuple[str, str]:
        """The names of the two averages shown, the fast one first."""
        return f"sma_{self._fast}", f"sma_{self._slow}"

    def quotes(self, symbols: list[str]) -> list[Quote]:
        """The newest prices of at most 100 symbols, in order; those without one left out."""
        states = self._stores.state.get_many(symbols)
        found = [states[symbol] for symbol in symbols if symbol in states]
        return [self._quote(state, state.last) for state in found if state.last is not None]

    def known(self, symbol: str) -> Known:
        """One GetItem, and one BatchGetItem where no tick has come. Raises UnknownSymbol."""
        state = self._stores.state.get(symbol)
        entry = None
        if state is None or state.last is None:
            entry = self._stores.symbols.find(symbol)
            if state is None and entry is None:
                raise UnknownSymbol(symbol)
        return Known(symbol, state, entry)

    def range_of(self, query: PriceQuery, known: Known) -> Range:
        """The range that a query means: its page's, its own or its period's."""
        if query.cursor:
            return query.cursor.range
        if query.period is None or query.period == "max":
            return query.range
        sessions: list[Bar] = []
        if query.period in SESSIONS or known.last is None:
            count = SESSIONS.get(query.period, 1)
            sessions = self._read(known, "1d", Range(), limit=count, descending=True).rows
        labels = [bar.start for bar in sessions]
        newest = known.last.timestamp if known.last else max(labels, default=None)
        if newest is None:
            return query.range
        return Range(period_start(query.period, newest, min(labels, default=None)))

    def _quote(self, state: State, last: Tick) -> Quote:
        shown = averages(state.closes, self._fast, self._slow)
        side = average_side(state.closes, self._fast, self._slow)
        return Quote(
            self._tick_row(last),
            {name: shown.get(name) for name in self.average_names},
            None if side is None else _TRENDS[side],
            label(state.symbol, last, self._clock()),
        )

    def _labels(self, known: Known) -> Labels:
        source = known.entry.source if known.entry else None
        return label(known.symbol, known.last, self._clock(), source or UNKNOWN_SOURCE)

    def _tick_row(self, tick: Tick) -> TickRow:
        return TickRow.of(tick, enrich(tick, self._anomaly_percent))

    def _ticks(self, query: PriceQuery, known: Known) -> PriceTable:
        reach = self.range_of(query, known)
        after = query.cursor.after if query.cursor else None
        start, end = reach.start, reach.end
        if after and query.descending:
            end = after
        elif after:
            start = just_after(after)
        page = self._stores.prices.ticks(
            query.symbol, start, end, limit=query.limit + 1, descending=query.descending
        )
        rows = [self._tick_row(stored.tick) for stored in page.rows[: query.limit]]
        more = len(page.rows) > query.limit or page.next_key is not None
        cursor = Cursor("tick", reach, rows[-1].timestamp) if more and rows else None
        return PriceTable(query.symbol, "tick", self._labels(known), rows, cursor)

    def _bars(self, query: PriceQuery, known: Known) -> tuple[BarPage, str, Range]:
        reach = self.range_of(query, known)
        interval: str = query.cursor.interval if query.cursor else query.interval
        after = query.cursor.after if query.cursor else None
        if interval == "auto":
            choice = choose(lambda base, limit: self._read(known, base, reach, limit=limit).rows)
            interval = choice.interval
            if choice.rows is not None:
                rows = choice.rows[::-1] if query.descending else choice.rows
                page = BarPage(rows[: query.limit], len(rows) > query.limit)
                return page, interval, reach
        page = self._read(
            known, interval, reach, limit=query.limit, descending=query.descending, after=after
        )
        return page, interval, reach

    def _read(
        self,
        known: Known,
        interval: str,
        reach: Range,
        *,
        limit: int,
        descending: bool = False,
        after: str | None = None,
    ) -> BarPage:
        request = BarRequest(
            symbol=known.symbol,
            interval=interval,
            range=reach,
            limit=limit,
            descending=descending,
            after=after,
        )
        return read_bars(self._stores.bars, request, self._live(known, BASE_OF[interval]))

    def _live(self, known: Known, base: str) -> Bar | None:
        """The running bar of a stored interval; the hour's is made from its minutes."""
        if known.state is None or base != "1h":
            return known.state.live.get(base) if known.state else None
        if known.last is None:
            return None
        calendar = calendar_for(known.symbol, known.last.exchange_timezone)
        span = hour_span(place_of(known.last).hour, calendar)
        request = BarRequest(
            symbol=known.symbol,
            interval="1m",
            range=Range(span.start, span.end),
            limit=MOST_MINUTES,
        )
        hour = hour_of(span, read_bars(self._stores.bars, request, known.state.minute).rows)
        return msgspec.structs.replace(hour, closed=False) if hour else None
