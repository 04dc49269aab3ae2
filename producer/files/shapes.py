"""Converts rows to wire ticks: days to ticks or bars, bars to bars or ticks, ticks to ticks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from chalicelib.domain.building import is_extended
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import to_text
from producer.files.asked import REPLAY, Asked
from producer.files.folding import SECONDS
from producer.files.rows import Row
from producer.files.survey import Kind, Spacing
from producer.markets import closing_time, market_of
from producer.wire import Bar, WireTick

Shape = Callable[[Row], WireTick]

_INSTANT = timedelta(microseconds=1)
_STORED: dict[int, Bar] = {seconds: bar for bar, seconds in SECONDS.items()}


def shape_of(kind: Kind, spacing: Spacing, asked: Asked) -> Shape:
    """Return the function that converts a file's rows to ticks or bars. That function raises
    ValueError for an invalid row."""
    if kind.name == "days":
        return _day_bar(spacing, asked) if asked.history else _day_tick(spacing, asked)
    if kind.name == "bars" and asked.rows_as != "ticks":
        return _bar(kind, spacing, asked)
    if kind.name == "bars":
        return _close(kind, spacing, asked)
    return _tick(spacing, asked)


def _day_tick(spacing: Spacing, asked: Asked) -> Shape:
    """Return a function that converts a row to a tick at the close of the row's day.

    The tick's `previous_close` is the row's own, or else the close of the symbol's row before. If a
    row between the two was skipped, there is none.
    """
    before: dict[str, tuple[datetime, Decimal]] = {}

    def close_before(row: Row, instant: datetime) -> Decimal | None:
        since, close = before.get(row.symbol, (instant, None))
        return None if spacing.has_gap(row.symbol, since, instant) else close

    def shape(row: Row) -> WireTick:
        tick = _made(row, closing_time(row.symbol, spacing.date_of(row)), asked)
        tick.open, tick.high, tick.low, tick.volume = row.open, row.high, row.low, row.volume
        instant = spacing.instant_of(row)
        tick.previous_close = row.previous_close or close_before(row, instant)
        tick.market_state = row.labels.get("market_state", "REGULAR")
        before[row.symbol] = instant, row.price
        return tick

    return shape


def _tick(spacing: Spacing, asked: Asked) -> Shape:
    """Return a function that converts a row to a tick with the session's figures that the row
    has."""

    def shape(row: Row) -> WireTick:
        tick = _made(row, spacing.instant_of(row), asked)
        tick.open, tick.high, tick.low, tick.volume = row.open, row.high, row.low, row.volume
        tick.previous_close = row.previous_close
        return tick

    return shape


def _day_bar(spacing: Spacing, asked: Asked) -> Shape:
    def shape(row: Row) -> WireTick:
        day = datetime.combine(spacing.date_of(row), datetime.min.time(), UTC)
        return _as_bar(row, _made(row, day, asked), "1d")

    return shape


def _bar(kind: Kind, spacing: Spacing, asked: Asked) -> Shape:
    """Return a function that converts a row to a bar of the file's length. Bars whose length is not
    stored are named 1m here; only the bars folded from them are sent."""
    interval = _STORED.get(kind.seconds, "1m")
    whole_minutes = kind.seconds % 60 == 0

    def shape(row: Row) -> WireTick:
        start = spacing.instant_of(row)
        if whole_minutes:
            start = start.replace(second=0, microsecond=0)
        return _as_bar(row, _made(row, start, asked), interval)

    return shape


def _close(kind: Kind, spacing: Spacing, asked: Asked) -> Shape:
    """Return a function that converts a row, which is a bar, to a tick.

    The tick has the bar's close at the bar's end, and the session's volume so far. Regular and
    extended hours have separate volumes. A bar's open, high and low are not the session's and are
    omitted.
    """
    length = timedelta(seconds=kind.seconds) - _INSTANT
    volumes: dict[str, tuple[object, Decimal]] = {}

    def shape(row: Row) -> WireTick:
        end = spacing.instant_of(row) + length
        tick = _made(row, end, asked)
        if row.volume is not None:
            session = calendar_for(tick.symbol, tick.exchange_timezone).session_at(end)
            part = session.date, is_extended(session, end, tick.market_state)
            before, volume = volumes.get(tick.symbol, (part, Decimal(0)))
            tick.volume = row.volume + (volume if before == part else Decimal(0))
            volumes[tick.symbol] = part, tick.volume
        return tick

    return shape


def _made(row: Row, when: datetime, asked: Asked) -> WireTick:
    labels = row.labels
    source = labels.get("source", REPLAY)
    return WireTick(
        symbol=row.symbol,
        timestamp=to_text(when),
        price=row.price,
        currency=labels.get("currency"),
        exchange_timezone=labels.get("exchange_timezone", market_of(row.symbol).timezone),
        market_state=labels.get("market_state"),
        source=asked.label.of(row.symbol, source) if asked.label else source,
        mode=asked.mode,
    )


def _as_bar(row: Row, tick: WireTick, bar: Bar) -> WireTick:
    """Make the tick a bar with the row's prices. If the row has only a close, all four prices are
    the close. Raises ValueError if some of the prices are missing, or the high is below the low."""
    prices = row.open, row.high, row.low
    if any(price is None for price in prices) and any(price is not None for price in prices):
        raise ValueError("open, high or low is missing or not above 0")
    tick.open, tick.high, tick.low = (price or row.price for price in prices)
    if tick.high < tick.low:
        raise ValueError(f"high, {tick.high:f}, is below low, {tick.low:f}")
    tick.volume, tick.mode, tick.bar = row.volume, "backfill", bar
    tick.market_state = None
    return tick
