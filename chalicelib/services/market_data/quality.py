"""Measure the quality of a symbol's series over some days, from its stored bars and ticks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.bars import Bar
from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.field_types import Count, Instant
from chalicelib.domain.quality import Delays, Gap, Jump, SessionQuality, assess, delays_of
from chalicelib.domain.sources import Switch, runs_of
from chalicelib.domain.times import EPOCH, from_text, to_text
from chalicelib.domain.trading_minutes import MINUTE, minute_of, text_of, trading_hours
from chalicelib.services.market_data.queries import MAX_LIMIT, PriceQuery, Range
from chalicelib.services.market_data.series import Known, Series
from chalicelib.services.priced import StoredTick
from chalicelib.services.stores import MOST_COPIES, Stores

MAX_QUALITY_DAYS = 7
"""The longest range of a query: 10,080 minutes, with at most two bars each."""

MOST_DELAYS = 1_000
"""The most ticks whose delays are measured for one answer."""

ARRIVES_WITHIN = timedelta(minutes=1)
"""A minute counts as missing if it has no bar this long after its end."""

_MICROSECOND = timedelta(microseconds=1)


class QualityQuery(msgspec.Struct, frozen=True):
    """A query for the quality of a symbol's series over `range`, which must have both ends. A jump
    is a change of more than `jump_percent`."""

    symbol: str
    range: Range
    jump_percent: Decimal


class QualityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The quality of a symbol's series over `[start, end)`."""

    start: Annotated[
        Instant, Meta(description="The range's start, or the symbol's first minute if it is later.")
    ]
    end: Annotated[
        Instant,
        Meta(description="The range's end, or the last minute that should be stored by now."),
    ]
    calendar: Annotated[
        str, Meta(description="The calendar of docs/sessions.md.", examples=["XNYS"])
    ]
    expected: Annotated[
        Count | None, Meta(description="Minutes of trading; null if the hours are unknown.")
    ]
    received: Annotated[Count, Meta(description="Those of them with a bar, filled ones included.")]
    filled: Annotated[
        Count, Meta(description="Those of them whose bar came from the source's history.")
    ]
    sessions: tuple[SessionQuality, ...]
    gaps: tuple[Gap, ...]
    jump_percent: Annotated[Decimal, Meta(description="Changes above it are jumps.")]
    jumps: tuple[Jump, ...]
    delays: Delays
    sources: tuple[Switch, ...]


class QualityReader:
    """Answers queries for quality. Minute bars are stored for `kept_days`."""

    def __init__(self, stores: Stores, clock: Callable[[], datetime], kept_days: int) -> None:
        self._stores = stores
        self._clock = clock
        self._kept_days = kept_days
        self._series = Series(stores)

    def known(self, symbol: str) -> Known:
        """Return what is known about a symbol. Raises Unknown."""
        return self._series.known(symbol)

    def answer(self, query: QualityQuery, known: Known) -> QualityAnswer:
        """Return the quality of a symbol's series. Raises TooManyCopies.

        Reads at most two bars for each minute of the range, and MOST_DELAYS ticks.
        """
        hours = trading_hours(query.symbol, known.last.exchange_timezone if known.last else None)
        start, end = self._judged(query, known)
        bars = self._bars(query.symbol, start, end, known)
        stretches = list(hours.stretches(start, end))
        found = assess(stretches, bars, query.jump_percent, hours_known=hours.is_known)
        expected = sum(session.expected or 0 for session in found.sessions)
        return QualityAnswer(
            start=text_of(start),
            end=text_of(end),
            calendar=hours.calendar.name,
            expected=expected if hours.is_known else None,
            received=sum(session.received for session in found.sessions),
            filled=sum(session.filled for session in found.sessions),
            sessions=found.sessions,
            gaps=found.gaps,
            jump_percent=query.jump_percent,
            jumps=found.jumps,
            delays=self._delays(query),
            sources=runs_of(bars, "start"),
        )

    def _judged(self, query: QualityQuery, known: Known) -> tuple[int, int]:
        """Return the range `[first, end)` of whole minutes that should have bars by now."""
        start, end = query.range.start or "", query.range.end or ""
        late = ARRIVES_WITHIN
        if known.last is not None:
            late += source_delay(query.symbol, known.last.source)
        over = min(from_text(end), self._clock() - late)
        first = max(self._since(query.symbol), _first_whole(start))
        last = (over - EPOCH) // MINUTE
        return first, max(first, last)

    def _since(self, symbol: str) -> int:
        """Return the minute from which on bars are expected. This is the first whole minute after
        the symbol was added, but not before `kept_days` ago. If the first stored bar is earlier, it
        is that bar's minute."""
        entry = self._stores.symbols.find(symbol)
        kept = to_text(self._clock() - timedelta(days=self._kept_days))
        added = max(entry.added_at, kept) if entry else kept
        page = self._stores.bars.bars(symbol, "1m", None, None, limit=1)
        return min([_first_whole(added), *(minute_of(bar.start) for bar in page.rows)])

    def _bars(self, symbol: str, start: int, end: int, known: Known) -> list[Bar]:
        if start >= end:
            return []
        reach = Range(text_of(start), text_of(end))
        query = PriceQuery(symbol=symbol, interval="1m", range=reach, limit=MAX_LIMIT)
        page = self._series.bars(query, known)
        rows = list(page.rows)
        while page.cursor is not None:
            page = self._series.bars(msgspec.structs.replace(query, cursor=page.cursor), known)
            rows += page.rows
        return rows

    def _delays(self, query: QualityQuery) -> Delays:
        page = self._stores.prices.ticks(
            query.symbol,
            query.range.start,
            query.range.end,
            limit=MOST_DELAYS,
            descending=True,
            most_copies=MOST_COPIES,
        )
        live = [stored for stored in page.rows if stored.tick.mode == "live"]
        return delays_of((stored.tick.timestamp, _delay(stored)) for stored in live)


def _first_whole(timestamp: str) -> int:
    return -((EPOCH - from_text(timestamp)) // MINUTE)


def _delay(stored: StoredTick) -> int:
    return (from_text(stored.ingested_at) - from_text(stored.tick.timestamp)) // _MICROSECOND
