"""Read a symbol's series: the ticks and bars in a query's range, and earlier ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import hour_around, place_of
from chalicelib.domain.correction import HourSpan, hour_of, hour_span
from chalicelib.domain.detection import State
from chalicelib.domain.errors import Unknown
from chalicelib.domain.folding import BASE_OF, SPAN
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, to_text
from chalicelib.services.market_data.bar_reading import (
    BarPage,
    BarRequest,
    StoredCount,
    read_bars,
    shifted_end,
)
from chalicelib.services.market_data.interval_choice import choose
from chalicelib.services.market_data.periods import SESSIONS, period_start
from chalicelib.services.market_data.queries import Cursor, PriceQuery, Range
from chalicelib.services.stores import MOST_COPIES, Stores
from chalicelib.services.symbol_stores import SymbolEntry

if TYPE_CHECKING:  # few requests ask for adjusted bars
    from chalicelib.services.market_data.adjusting import Actions, Adjust
    from chalicelib.services.market_data.queries import Adjustment

WIDEST = {"1m": SPAN["30m"], "1h": timedelta(), "1d": SPAN["1mo"]}
"""How far a bar may reach beyond its label, by the stored interval that it is made from."""

MOST_MINUTES = 122
"""The most minute bars for an hourly bar. They are regular and extended bars of the hour and of the
closing price's minute."""

_INSTANT = timedelta(microseconds=1)

Row = TypeVar("Row")


class Known(msgspec.Struct, frozen=True):
    """What is read about a symbol before its rows. `entry` is None if the symbol has a tick."""

    symbol: str
    state: State | None
    entry: SymbolEntry | None

    @property
    def last(self) -> Tick | None:
        """Return the newest tick that detect has processed; None if there is none."""
        return self.state.last if self.state else None


class Slice(msgspec.Struct, Generic[Row], frozen=True):
    """A page of a series in the requested order. `cursor` leads to the next page; None on the last
    page."""

    interval: str
    rows: list[Row]
    cursor: Cursor | None


def _last_instant(symbol: str, label: str) -> str:
    """Return the last instant of a daily bar's session. If a symbol has no ticks, its periods end
    there."""
    session = calendar_for(symbol, None).session_on(date.fromisoformat(label[:10]))
    return to_text(session.close - _INSTANT)


class Series:
    """Reads the stored data of symbols. Create one for each request, since it caches what it has
    read.

    `stored` counts the stored bars that were read. Methods that read bars raise TooLarge above the
    limit.
    """

    def __init__(self, stores: Stores) -> None:
        self.stored = StoredCount()
        self._stores = stores
        self._hours: dict[str, list[Bar]] = {}
        self._adjustment: Adjustment | None = None
        self._adjusts: dict[tuple[str, str], Adjust] = {}
        self._actions: dict[str, Actions] = {}

    def adjust(self, adjustment: Adjustment | None) -> None:
        """Adjust the bars that are read from now on. None and "raw" leave them as they are
        stored."""
        self._adjustment = None if adjustment == "raw" else adjustment

    def known(self, symbol: str) -> Known:
        """Return what is known about a symbol. This takes one GetItem. If the symbol has no tick,
        it also takes one BatchGetItem. Raises Unknown."""
        state = self._stores.state.get(symbol)
        entry = None
        if state is None or state.last is None:  # a forgotten symbol leaves a state without a tick
            entry = self._stores.symbols.find(symbol)
            if entry is None:
                raise Unknown("symbol", symbol)
        return Known(symbol, state, entry)

    def ticks(self, query: PriceQuery, known: Known) -> Slice[Tick]:
        """Return a page of ticks, up to the newest that detect has processed. This takes one Query.

        Items with later ticks may still be written in parallel. A reader that continued past them
        would miss those that are written late. Up to the newest processed tick, bars, alerts and
        quotes agree with the ticks. Before detect has processed any, the page is empty.
        """
        reach = self.range_of(query, known)
        if known.last is None:
            return Slice("tick", [], None)
        after = query.cursor.after if query.cursor else None
        start, end = reach.start, reach.end
        detected = just_after(known.last.timestamp)
        end = detected if end is None else min(end, detected)
        if after and query.descending:
            end = after
        elif after:
            start = just_after(after)
        page = self._stores.prices.ticks(
            query.symbol,
            start,
            end,
            limit=query.page_size + 1,
            descending=query.descending,
            most_copies=MOST_COPIES,
        )
        rows = [stored.tick for stored in page.rows[: query.page_size]]
        more = len(page.rows) > query.page_size or page.next_key is not None
        cursor = Cursor("tick", reach, rows[-1].timestamp) if more and rows else None
        return Slice("tick", rows, cursor)

    def bars(self, query: PriceQuery, known: Known) -> Slice[Bar]:
        """Return a page of bars in the requested interval. For "auto", an interval is chosen that
        suits the range."""
        reach = self.range_of(query, known)
        interval: str = query.cursor.interval if query.cursor else query.interval
        page = None
        if interval == "auto":
            choice = choose(lambda *asked: self._first(known, reach, *asked), reach)
            interval = choice.interval
            if choice.rows is not None:
                rows = choice.rows[::-1] if query.descending else choice.rows
                page = BarPage(rows[: query.page_size], len(rows) > query.page_size)
        after = query.cursor.after if query.cursor else None
        page = page or self._read(
            known, interval, reach, limit=query.page_size, descending=query.descending, after=after
        )
        cursor = None
        if page.more:
            last = page.rows[-1]
            cursor = Cursor(interval, reach, last.key if query.descending else last.last_key)
        return Slice(interval, page.rows, cursor)

    def ticks_before(self, symbol: str, instant: str, count: int) -> list[Tick]:
        """Return the last `count` ticks before an instant, oldest first."""
        page = self._stores.prices.ticks(symbol, None, instant, limit=count, descending=True)
        return [stored.tick for stored in reversed(page.rows)]

    def bars_before(self, known: Known, interval: str, key: str, count: int) -> list[Bar]:
        """Return the last `count` bars before the bar with this key, oldest first."""
        page = self._read(known, interval, Range(), limit=count, descending=True, after=key)
        return page.rows[::-1]

    def range_of(self, query: PriceQuery, known: Known) -> Range:
        """Return the range of a query. It comes from the query's cursor, its `range` or its
        period."""
        if query.cursor:
            return query.cursor.range
        if query.period is None or query.period == "max":
            return query.range
        sessions: list[Bar] = []
        if query.period in SESSIONS or known.last is None:
            count = SESSIONS.get(query.period, 1)
            sessions = self._read(known, "1d", Range(), limit=count, descending=True).rows
        labels = [bar.start for bar in sessions]
        if known.last is None and not labels:
            return query.range
        newest = known.last.timestamp if known.last else _last_instant(known.symbol, max(labels))
        return Range(period_start(query.period, newest, min(labels, default=None)))

    def _first(
        self, known: Known, reach: Range, base: str, after: str | None, limit: int
    ) -> list[Bar]:
        """Return stored bars from which an interval is chosen. They include all parts of the last
        bar in the range."""
        beyond = Range(reach.start, shifted_end(reach.end, WIDEST[base]))
        return self._read(known, base, beyond, limit=limit, after=after).rows

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
        live = self._live(known, BASE_OF[interval], request.selected)
        adjust = self._adjust(known, BASE_OF[interval])
        return read_bars(self._stores.bars, request, live, self.stored, adjust)

    def actions(self, known: Known) -> Actions | None:
        """Return the actions for which bars are adjusted; None if bars are returned as stored."""
        if self._adjustment is None:
            return None
        if known.symbol not in self._actions:
            from chalicelib.services.market_data.adjusting import Actions

            state = known.state or State(symbol=known.symbol)
            self._actions[known.symbol] = Actions(self._stores, state, self._adjustment)
        return self._actions[known.symbol]

    def _adjust(self, known: Known, base: str) -> Adjust:
        actions = self.actions(known)
        if actions is None:
            return list
        key = known.symbol, base
        if key not in self._adjusts:
            self._adjusts[key] = actions.adjust(base)
        return self._adjusts[key]

    def _live(self, known: Known, base: str, reach: Range) -> list[Bar]:
        """Return the live bars of a stored interval in order. The live hour is made from its
        minutes."""
        state, last = known.state, known.last
        if state is None or last is None:
            return []
        if base != "1h":
            return state.running(base)
        place = place_of(last)
        calendar = calendar_for(known.symbol, last.exchange_timezone)
        spans = [hour_span(hour_around(bar, place), calendar) for bar in state.minutes]
        if not any(reach.holds(span.key) for span in spans):
            return []
        if known.symbol not in self._hours:
            self._hours[known.symbol] = [
                hour for span in spans if (hour := self._live_hour(state, span))
            ]
        return self._hours[known.symbol]

    def _live_hour(self, state: State, span: HourSpan) -> Bar | None:
        request = BarRequest(
            symbol=state.symbol,
            interval="1m",
            range=Range(span.start, span.end),
            limit=MOST_MINUTES,
        )
        page = read_bars(self._stores.bars, request, state.minutes, self.stored)
        hour = hour_of(span, page.rows)
        return msgspec.structs.replace(hour, closed=False) if hour else None
