"""Builds 1m and 1d bars from ticks in the order of timestamps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from chalicelib.domain.bars import ZERO, Bar, total_volume
from chalicelib.domain.sessions import Calendar, Session, calendar_for
from chalicelib.domain.sources import differ
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Tick
from chalicelib.domain.times import from_text, minute_of, to_text

_HOUR = timedelta(hours=1)


class Hour(msgspec.Struct, frozen=True):
    """The start of an hourly bar, and whether the bar is outside the regular session."""

    start: str
    extended: bool


class SessionPlace(msgspec.Struct, frozen=True):
    """A tick's minute label and session, and whether the tick is outside regular hours."""

    minute: str
    hour: Hour
    session: Session
    extended: bool

    @property
    def date(self) -> str:
        """Return the session's date as stored text."""
        return self.session.date.isoformat()


def is_extended(session: Session, instant: datetime, market_state: str | None) -> bool:
    """Return whether a tick is outside the regular session, by its market state or else by the
    clock.

    A tick with the state "CLOSED" has the last regular price. On a day without a session (a
    recording may have such rows) everything counts as regular.
    """
    if market_state:
        return "PRE" in market_state or "POST" in market_state
    return session.is_trading_day and session.phase(instant) != "regular"


def hour_start(session: Session, instant: datetime, extended: bool) -> datetime:
    """Return the start of the hourly bar that contains an instant.

    Hours count from the session's open in both directions, so that no hour spans the open. Extended
    hours after the close count from the close.
    """
    after_close = extended and instant >= session.close
    anchor = session.close if after_close else session.open
    return anchor + (instant - anchor) // _HOUR * _HOUR


def place_of(tick: Tick) -> SessionPlace:
    """Return the minute, the hour and the session of a tick."""
    instant = from_text(tick.timestamp)
    session = calendar_for(tick.symbol, tick.exchange_timezone).session_at(instant)
    extended = is_extended(session, instant, tick.market_state)
    hour = Hour(to_text(hour_start(session, instant, extended)), extended)
    return SessionPlace(minute_of(tick.timestamp), hour, session, extended)


def hour_around(bar: Bar, place: SessionPlace) -> Hour:
    """Return the hour that contains a 1m bar in the session of `place`."""
    start = hour_start(place.session, from_text(bar.start), bar.extended)
    return Hour(to_text(start), bar.extended)


def hour_with(bar: Bar, calendar: Calendar) -> Hour:
    """Return the hour that contains a 1m bar, in the session that contains the bar's start."""
    instant = from_text(bar.start)
    return Hour(
        to_text(hour_start(calendar.session_at(instant), instant, bar.extended)), bar.extended
    )


class BarBuilder:
    """Folds a symbol's ticks into the running minute and day.

    A bar is regular or extended like its ticks. A minute with ticks of both kinds has two bars:
    `minute` of the last tick's kind and `beside` of the other kind. `closed` collects finished bars
    in order, and `hours` the finished hours. Only a tick of a later minute finishes a bar or an
    hour, so that nothing depends on the batching of ticks.

    A minute's volume is the increase of the session's cumulative volume since the previous regular
    tick with a volume, never below 0. The session's first such tick counts completely if the
    session opened in its minute; otherwise it only sets the baseline. Extended ticks are compared
    with the extended tick just before them. Volumes of different sources are not compared.
    """

    def __init__(
        self, last: Tick | None = None, minutes: Iterable[Bar] = (), day: Bar | None = None
    ) -> None:
        self.last = last
        self.day = day
        self.closed: list[Bar] = []
        self.hours: list[Hour] = []
        self._place = place_of(last) if last else None
        self._running = {bar.extended: bar for bar in minutes}

    @property
    def place(self) -> SessionPlace | None:
        """Return the last tick's minute, hour and session; None before the first tick."""
        return self._place

    @property
    def minute(self) -> Bar | None:
        """Return the running bar of the last tick's kind."""
        return self._running.get(self._place.extended) if self._place else None

    @property
    def beside(self) -> Bar | None:
        """Return the running bar of the kind that the last tick does not have."""
        return self._running.get(not self._place.extended) if self._place else None

    def add(self, tick: Tick) -> SessionPlace:
        """Add the next tick; return its minute, hour and session."""
        before, place = self._place, self._place_of(tick)
        if before is not None:
            self._close_before(place, before)
        traded = self._traded(tick, place, before)
        self._running[place.extended] = self._fold_minute(tick, place, traded)
        if not place.extended:
            self.day = self._fold_day(tick, place)
        self.last, self._place = tick, place
        return place

    def _place_of(self, tick: Tick) -> SessionPlace:
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

    def _close_before(self, place: SessionPlace, before: SessionPlace) -> None:
        if before.minute != place.minute:
            for extended in sorted(self._running):
                bar = self._running.pop(extended)
                self.closed.append(msgspec.structs.replace(bar, closed=True))
                hour = before.hour if extended is before.extended else hour_around(bar, before)
                if hour != place.hour:
                    self.hours.append(hour)
        day = self.day
        if day is not None and day.session_date < place.date:
            self.closed.append(msgspec.structs.replace(day, closed=True))
            self.day = None

    def _traded(
        self, tick: Tick, place: SessionPlace, before: SessionPlace | None
    ) -> Decimal | None:
        """Return the volume that this tick adds to its minute; None if the tick has no volume."""
        if tick.volume is None:
            return None
        known = (
            self._extended_volume(tick, place, before)
            if place.extended
            else self._day_volume(tick, place)
        )
        if known is not None:
            return max(ZERO, tick.volume - known)
        opened = minute_of(to_text(place.session.open))
        return tick.volume if opened == place.minute and not place.extended else ZERO

    def _day_volume(self, tick: Tick, place: SessionPlace) -> Decimal | None:
        """Return the last volume of the session's regular ticks. None if there is none, or if it is
        from another source."""
        day = self.day
        if day is None or day.session_date != place.date or differ(day.source, tick.source):
            return None
        return day.volume

    def _extended_volume(
        self, tick: Tick, place: SessionPlace, before: SessionPlace | None
    ) -> Decimal | None:
        """Return the previous tick's volume if that tick is extended and has the same session and
        source; else None."""
        if before is None or self.last is None or differ(self.last.source, tick.source):
            return None
        same = before.extended and before.session == place.session
        return self.last.volume if same else None

    def _fold_minute(self, tick: Tick, place: SessionPlace, traded: Decimal | None) -> Bar:
        bar = self._running.get(place.extended)
        if bar is None:
            return _new(tick, "1m", place.minute, place, traded)
        return msgspec.structs.replace(
            bar,
            high=max(bar.high, tick.price),
            low=min(bar.low, tick.price),
            close=tick.price,
            volume=total_volume(bar.volume, traded),
            ticks=bar.ticks + 1,
        )

    def _fold_day(self, tick: Tick, place: SessionPlace) -> Bar:
        bar = self.day
        if bar is None:
            bar = _new(tick, "1d", f"{place.date}T00:00:00.000000Z", place, tick.volume)
            bar = msgspec.structs.replace(bar, ticks=0)
        return with_session_figures(bar, tick, bar.ticks + 1)


def with_session_figures(day: Bar, tick: Tick, ticks: int) -> Bar:
    """Return a 1d bar with the next tick folded in; `ticks` is the new number of ticks.

    If the tick has the session's open, high, low or volume, the bar takes these. The bar takes the
    newest source, and drops the volume of another source.
    """
    changed = differ(day.source, tick.source)
    is_named = changed or day.source == UNKNOWN_SOURCE
    return msgspec.structs.replace(
        day,
        open=tick.open or day.open,
        high=max(tick.high or day.high, tick.price),
        low=min(tick.low or day.low, tick.price),
        close=tick.price,
        volume=day.volume if tick.volume is None and not changed else tick.volume,
        ticks=ticks,
        source=tick.source if is_named else day.source,
    )


def _new(tick: Tick, interval: str, start: str, place: SessionPlace, volume: Decimal | None) -> Bar:
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
