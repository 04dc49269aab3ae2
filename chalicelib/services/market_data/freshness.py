"""Compute how fresh a price is from its timestamp, the clock and the exchange's calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.field_types import Count, Instant
from chalicelib.domain.sessions import Calendar, DayCalendar, calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, to_text

STALE_AFTER = timedelta(minutes=5)
"""A price is stale if it is this much older than the last moment of trading. The exchange's delay
is subtracted."""

OPEN_CACHE_SECONDS = 15
CLOSED_CACHE_SECONDS = 3600

_SILENCE = 4
"""If a symbol is silent for longer than this many times the gap between its ticks, the symbol has
become slower."""

SPLIT_ADJUSTED = ("yfinance", "yfinance-live")
"""Sources whose history is always adjusted for splits (yfinance issue 2076). Prices of other
sources are raw. Stored prices are never adjusted later."""

_LONGEST_PAUSE_DAYS = 14
_LONG_WEEKEND = timedelta(days=4)


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The labels in every answer about a symbol.

    `cache_seconds` is not a label, but says how long an answer may be cached. While prices may
    come, this is the usual time between two prices.
    """

    currency: Annotated[str | None, Meta(examples=["USD"])]
    source: Annotated[
        str,
        Meta(
            description="The source of the prices; `simulator` means that they are simulated.",
            examples=["yfinance", "simulator", "replay", "unknown"],
        ),
    ]
    adjustment: Annotated[
        str,
        Meta(
            description="raw: as received; splits: adjusted for splits, as asked or since the "
            "source's history is; all: adjusted for splits and dividends, as asked.",
            extra_json_schema={"enum": ["raw", "splits", "all"]},
        ),
    ]
    as_of: Annotated[Instant | None, Meta(description="The timestamp of the newest known price.")]
    delay_seconds: Annotated[Count | None, Meta(description="The age of that price now.")]
    exchange_delay_seconds: Annotated[
        Count, Meta(description="The source's delay for this exchange; 0 for real time.")
    ]
    is_stale: Annotated[
        bool,
        Meta(
            description="Whether that price is more than 5 minutes plus exchange_delay_seconds "
            "older than the last moment at which the market was open, by the exchange's calendar."
        ),
    ]
    market_state: Annotated[
        str,
        Meta(
            description="The exchange's state now: PRE, REGULAR, POST or CLOSED; if its hours are "
            "unknown, the source's latest value."
        ),
    ]
    exchange_timezone: Annotated[str | None, Meta(examples=["America/New_York"])]
    next_open: Annotated[
        Instant | None,
        Meta(description="null in session and if the exchange's hours are unknown."),
    ]
    cache_seconds: int

    def adjusted(self, adjustment: str | None) -> Labels:
        """Return the labels of bars that were read with `adjustment`. "raw" changes nothing, like
        None, since bars of SPLIT_ADJUSTED sources are never raw."""
        if adjustment is None or adjustment == "raw":
            return self
        return msgspec.structs.replace(self, adjustment=adjustment)

    def shown(self) -> dict[str, Any]:
        """Return the labels by name."""
        shown = msgspec.structs.asdict(self)
        del shown["cache_seconds"]
        return shown


def label(
    symbol: str, last: Tick | None, now: datetime, source: str = "unknown", gap: int = 0
) -> Labels:
    """Return the labels of a symbol whose newest tick is `last`. `gap` is the seconds between that
    tick and the one before; 0 if unknown. `source` is used if there is no tick."""
    calendar = calendar_for(symbol, last.exchange_timezone if last else None)
    state = _market_state(calendar, last, now)
    opens = None if state == "REGULAR" else _next_open(calendar, now)
    source = last.source if last else source
    age = now - from_text(last.timestamp) if last else None
    late = source_delay(symbol, source)
    return Labels(
        currency=last.currency if last else None,
        source=source,
        adjustment="splits" if source in SPLIT_ADJUSTED else "raw",
        as_of=last.timestamp if last else None,
        delay_seconds=None if age is None else max(0, int(age.total_seconds())),
        exchange_delay_seconds=int(late.total_seconds()),
        is_stale=last is None or _is_stale(calendar, state, from_text(last.timestamp) + late, now),
        market_state=state,
        exchange_timezone=last.exchange_timezone if last else None,
        next_open=to_text(opens) if opens else None,
        cache_seconds=_cache_seconds(
            _market_state(calendar, last, now - late),
            _next_prices(calendar, opens),
            now,
            cadence(last, gap, now - late),
        ),
    )


def cadence(last: Tick | None, gap: int, now: datetime) -> int:
    """Return the usual seconds between a symbol's prices, at most OPEN_CACHE_SECONDS. They are the
    `gap` between its two newest ticks (0 if unknown), or more if it has long been silent. `now` is
    the present minus the source's delay."""
    if last is None or not gap:
        return OPEN_CACHE_SECONDS
    silent = (now - from_text(last.timestamp)).total_seconds() / _SILENCE
    return min(OPEN_CACHE_SECONDS, max(gap, round(silent)))


def _market_state(calendar: Calendar, last: Tick | None, now: datetime) -> str:
    """Return the calendar's state. If the calendar has no opening hours, return the state in the
    newest tick."""
    if isinstance(calendar, DayCalendar) and last and last.market_state:
        return last.market_state
    return calendar.market_state(now)


def _is_stale(calendar: Calendar, state: str, as_of: datetime, now: datetime) -> bool:
    """Return whether a price is stale. `as_of` is the price's time plus the source's delay."""
    if isinstance(calendar, DayCalendar) and state != "REGULAR":
        return now - as_of > _LONG_WEEKEND
    traded = now if state == "REGULAR" else _last_trading(calendar, now)
    return traded - as_of > STALE_AFTER


def _last_trading(calendar: Calendar, now: datetime) -> datetime:
    """Return the last moment of regular trading up to `now`."""
    day = calendar.session_at(now).date
    for back in range(_LONGEST_PAUSE_DAYS):
        session = calendar.session_on(day - timedelta(days=back))
        if session.is_break(now) and session.break_start is not None:
            return session.break_start
        if session.is_trading_day and session.open <= now:
            return min(session.close, now)
    return now


def _next_open(calendar: Calendar, now: datetime) -> datetime | None:
    return None if isinstance(calendar, DayCalendar) else calendar.next_open(now)


def _next_prices(calendar: Calendar, opens: datetime | None) -> datetime | None:
    """Return when prices resume: at the start of the next pre-market or, without one, at the next
    open. Return None if trading hours are unknown or the exchange is open."""
    if opens is None:
        return None
    session = calendar.session_at(opens)
    return min(session.pre_open, opens) if opens == session.open else opens


def _cache_seconds(state: str, opens: datetime | None, now: datetime, seconds: int) -> int:
    if state != "CLOSED" or opens is None or opens <= now:
        return seconds
    return max(1, min(CLOSED_CACHE_SECONDS, int((opens - now).total_seconds())))
