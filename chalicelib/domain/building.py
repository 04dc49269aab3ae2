"""Bars built tick by tick, in the order of timestamps."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from chalicelib.domain.bars import ZERO, Bar
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, minute_of, to_text

_HOUR = timedelta(hours=1)


class Hour(msgspec.Struct, frozen=True):
    """An hourly bar's start, and whether it lies outside of the regular session."""

    start: str
    extended: bool


class Place(msgspec.Struct, frozen=True):
    """Where a tick stands: its minute's label, its session, whether outside regular hours."""

    minute: str
    hour: Hour
    session: Session
    extended: bool

    @property
    def date(self) -> str:
        """The session's date as text."""
        return self.session.date.isoformat()


def is_extended(session: Session, instant: datetime, market_state: str | None) -> bool:
    """Whether a tick lies outside of the regular session: as its source says, else by the clock.

    "CLOSED" with a quote means the last regular price. On a day without a session (a recording
    may have such rows) everything counts as regular.
    """
    if market_state:
        return "PRE" in market_state or "POST" in market_state
    return session.is_trading_day and session.phase(instant) != "regular"


def hour_start(session: Session, instant: datetime, extended: bool) -> datetime:
    """The start of the hourly bar: hours count from the session's open, after it from its close.

    Before the open they count backwards, so that none spans the open.
    """
    after_close = extended and instant >= session.close
    anchor = session.close if after_close else session.open
    return anchor + (instant - anchor) // _HOUR * _HOUR


def place_of(tick: Tick) -> Place:
    """The place of one tick."""
    instant = from_text(tick.timestamp)
    session = calendar_for(tick.symbol, tick.exchange_timezone).session_at(instant)
    extended = is_extended(session, instant, tick.market_state)
    hour = Hour(to_text(hour_start(session, instant, extended)), extended)
    return Place(minute_of(tick.timestamp), hour, session, extended)


class BarBuilder:
    """Folds a symbol's ticks into the running minute and day.

    `closed` collects finished bars in order, `hours` the finished hours. Minute volume
    is the difference of the session's cumulative volume against the tick before, never below 0;
    the first tick of a session counts all of it if the session opened in its minute, else it
    only sets the baseline.
    """

    def __init__(
        self, last: Tick | None = None, minute: Bar | None = None, day: Bar | None = None
    ) -> None:
        self.last = last
        self.minute = minute
        self.day = day
        self.closed: list[Bar] = []
        self.hours: list[Hour] = []
        self._place = place_of(last) if last else None

    def add(self, tick: Tick) -> Place:
        """Take the next tick; returns its place."""
        before, place = self._place, self._place_of(tick)
        self._close_before(place, before)
        self.minute = self._fold_minute(tick, place, self._traded(tick, place, before))
        if not place.extended:
            self.day = self._fold_day(tick, place)
        self.last, self._place = tick, place
        return place

    def _place_of(self, tick: Tick) -> Place:
        last, place = self.last, self._place
        if (
            last is not None
            and place is not None
            and place.minute == minute_of(tick.timestamp)
            and last.market_state == tick.market_state
            and last.exchange_timezone == tick.exchange_timezone
            and tick.timestamp[17:] != "00.000000Z"
            and last.timestamp[17:] != "00.000000Z"
        ):
            return place
        return place_of(tick)

    def _close_before(self, place: Place, before: Place | None) -> None:
        minute, day = self.minute, self.day
        if minute is not None and minute.start != place.minute:
            self.closed.append(msgspec.structs.replace(minute, closed=True))
            self.minute = None
        if before is not None and before.hour != place.hour:
            self.hours.append(before.hour)
        if day is not None and day.session_date < place.date:
            self.closed.append(msgspec.structs.replace(day, closed=True))
            self.day = None

    def _traded(self, tick: Tick, place: Place, before: Place | None) -> Decimal | None:
        """What this tick adds to its minute's volume."""
        if tick.volume is None:
            return None
        if before is not None and self.last is not None and self.last.volume is not None:
            same = before.session == place.session and before.extended == place.extended
            if same:
                return max(ZERO, tick.volume - self.last.volume)
        opened = minute_of(to_text(place.session.open))
        return tick.volume if opened == place.minute and not place.extended else ZERO

    def _fold_minute(self, tick: Tick, place: Place, traded: Decimal | None) -> Bar:
        bar = self.minute
        if bar is None:
            return _new(tick, "1m", place.minute, place, traded)
        volume = bar.volume if traded is None else (bar.volume or ZERO) + traded
        return msgspec.structs.replace(
            bar,
            high=max(bar.high, tick.price),
            low=min(bar.low, tick.price),
            close=tick.price,
            volume=volume,
            ticks=bar.ticks + 1,
        )

    def _fold_day(self, tick: Tick, place: Place) -> Bar:
        bar = self.day
        if bar is None:
            bar = _new(tick, "1d", f"{place.date}T00:00:00.000000Z", place, tick.volume)
            bar = msgspec.structs.replace(bar, ticks=0)
        return msgspec.structs.replace(
            bar,
            open=tick.open or bar.open,
            high=max(tick.high or bar.high, tick.price),
            low=min(tick.low or bar.low, tick.price),
            close=tick.price,
            volume=bar.volume if tick.volume is None else tick.volume,
            ticks=bar.ticks + 1,
        )


def _new(tick: Tick, interval: str, start: str, place: Place, volume: Decimal | None) -> Bar:
    return Bar(
        symbol=tick.symbol,
        interval=interval,
        start=start,
        open=tick.price,
        high=tick.price,
        low=tick.price,
        close=tick.price,
        volume=volume,
        ticks=1,
        session_date=place.date,
        source=tick.source,
        closed=False,
        extended=place.extended,
    )
