"""Folds finer bars of history into hours and days.

The API reads stored bars of 1m, 1h and 1d. If history had only minutes, its hours and days would be
empty. So they are made from the minutes and sent with them. A folded bar's `folded` is the number
of bars in it. It fills a gap and never replaces an exchange's own bar. A finer bar belongs to the
hour and the day of its session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.bars import total_volume
from chalicelib.domain.building import hour_start, is_extended
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.times import from_text, later, minute_of, to_text
from producer.wire import Bar, WireTick

_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)


class BarSpan(msgspec.Struct, frozen=True):
    """The time span of a coarser bar: its start and its end, as stored text."""

    start: str
    over: str


class Standing(msgspec.Struct, frozen=True):
    """A finer bar's start and session, and whether it counts as extended trading."""

    start: datetime
    session: Session
    extended: bool

    def place(self, target: Bar) -> BarSpan | None:
        """Return the coarser bar to which this bar belongs. Return None if the coarser bar is a day
        and this bar is outside regular hours."""
        if target == "1m":
            minute = minute_of(to_text(self.start))
            return BarSpan(minute, later(minute, minutes=1))
        if target == "1h":
            hour = hour_start(self.session, self.start, self.extended)
            return BarSpan(to_text(hour), to_text(hour + _HOUR))
        return None if self.extended else _day(self.session)


def standing_of(bar: WireTick, length: timedelta, before: Session | None) -> Standing:
    """Find a bar's session, and whether the bar counts as extended trading.

    `before` is the session of the symbol's previous bar. A bar belongs where it starts, with two
    exceptions. A bar that spans the open is regular if it is the session's first: only files with
    extended hours have earlier bars. A bar that starts at the close is extended. But a minute or a
    single price at the close is regular: it has the closing price.
    """
    start = from_text(bar.timestamp)
    session = calendar_for(bar.symbol, bar.exchange_timezone).session_at(start)
    instant = start
    if start < session.open < start + length and session != before:
        instant = session.open
    elif start == session.regular_until and length > _MINUTE and not _is_a_price(bar):
        instant = start + _INSTANT
    return Standing(start, session, is_extended(session, instant, None))


def _is_a_price(bar: WireTick) -> bool:
    """Return whether all prices of a bar are equal. Yahoo adds such a row for the closing price."""
    return bar.high == bar.low and not bar.volume


def _day(session: Session) -> BarSpan:
    over = max(session.post_close, session.regular_until)
    return BarSpan(f"{session.date}T00:00:00.000000Z", to_text(over))


SECONDS: dict[Bar, int] = {"1m": 60, "1h": 3600, "1d": 86_400}
STORED = frozenset(SECONDS.values())
"""The lengths of stored bars in seconds."""

Part = tuple[WireTick, int]
"""A tick or bar, and the length in seconds if it is a bar to fold; 0 if it is not."""


def targets_of(seconds: int) -> tuple[Bar, ...]:
    """Return the stored intervals that bars of a length are folded into. 5m bars are folded into 1h
    and 1d, 2h bars into 1d."""
    return tuple(
        bar
        for bar, length in SECONDS.items()
        if length > seconds and (length % seconds == 0 or bar == "1d")
    )


class Folder:
    """Folds bars of one length. Each symbol's bars come in time order.

    If several bars of a symbol have the same start, the last one counts. An interval that is not
    over at `now` is left to live ticks.
    """

    def __init__(self, seconds: int, now: datetime) -> None:
        self._length = timedelta(seconds=seconds)
        self._targets = targets_of(seconds)
        self._now = to_text(now)
        self._newest: dict[str, WireTick] = {}
        self._sessions: dict[str, Session] = {}
        self._open: dict[tuple[str, Bar], tuple[BarSpan, WireTick]] = {}

    def add(self, bar: WireTick) -> Iterator[WireTick]:
        """Add a bar. Yield the coarser bars that it completes."""
        before = self._newest.get(bar.symbol)
        self._newest[bar.symbol] = bar
        if before is not None and before.timestamp != bar.timestamp:
            yield from self._fold(before)

    def rest(self) -> Iterator[WireTick]:
        """Fold the last bars. Yield the coarser bars that are over at `now` and drop the unfinished
        ones."""
        for bar in self._newest.values():
            yield from self._fold(bar)
        for held in self._open.values():
            yield from self._finished(*held)
        self._newest.clear()
        self._open.clear()

    def _fold(self, bar: WireTick) -> Iterator[WireTick]:
        standing = standing_of(bar, self._length, self._sessions.get(bar.symbol))
        self._sessions[bar.symbol] = standing.session
        for target in self._targets:
            place = standing.place(target)
            if place is None:
                continue
            key = bar.symbol, target
            held = self._open.get(key)
            if held is not None and held[0] == place:
                _join(held[1], bar)
                continue
            if held is not None:
                yield from self._finished(*held)
            self._open[key] = place, _first(bar, target, place.start)

    def _finished(self, place: BarSpan, bar: WireTick) -> Iterator[WireTick]:
        if place.over <= self._now:
            yield bar


def with_folded(parts: Iterable[Part], now: datetime) -> Iterator[WireTick]:
    """Yield the ticks and bars, followed by the coarser bars made from them. Bars whose length is
    not stored are not yielded; they only serve to make stored ones."""
    folders: dict[int, Folder] = {}
    for bar, seconds in parts:
        if seconds:
            if seconds not in folders:
                folders[seconds] = Folder(seconds, now)
            yield from folders[seconds].add(bar)
        if not seconds or seconds in STORED:
            yield bar
    for folder in folders.values():
        yield from folder.rest()


def _first(bar: WireTick, target: Bar, start: str) -> WireTick:
    return msgspec.structs.replace(bar, bar=target, timestamp=start, folded=bar.folded or 1)


def _join(into: WireTick, bar: WireTick) -> None:
    """Merge a finer bar into the coarser bar `into`, which holds the bars before it."""
    into.high = max(into.high or bar.price, bar.high or bar.price)
    into.low = min(into.low or bar.price, bar.low or bar.price)
    into.price = bar.price
    into.folded = (into.folded or 0) + (bar.folded or 1)
    into.volume = total_volume(into.volume, bar.volume)
