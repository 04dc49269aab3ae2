"""Folds finer bars of history into hours and days.

The API reads stored bars of 1m, 1h and 1d; history of minutes alone would leave its hours and days
empty. So hours and days are made from the minutes and sent with them, marked by `folded`, the
number of bars in them. They fill gaps and never replace an exchange's own bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.bars import total_volume
from chalicelib.domain.sessions import Session
from chalicelib.domain.times import to_text
from producer.files.placing import BarSpan, standing_of
from producer.wire import Bar, WireTick

SECONDS: dict[Bar, int] = {"1m": 60, "1h": 3600, "1d": 86_400}
STORED = frozenset(SECONDS.values())
"""The lengths of stored bars in seconds."""

Part = tuple[WireTick, int]
"""A tick or bar, and the length in seconds if it is a bar to fold; 0 if it is not."""


def targets_of(seconds: int) -> tuple[Bar, ...]:
    """Return the stored intervals that bars of a length make: 5m make 1h and 1d, 2h make 1d."""
    return tuple(
        bar
        for bar, length in SECONDS.items()
        if length > seconds and (length % seconds == 0 or bar == "1d")
    )


class Folder:
    """Folds bars of one length, each symbol's in time order.

    If several bars of a symbol have the same start, the last one counts. Intervals that are not
    over at `now` are left to live ticks.
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
        """Fold the last bars and yield the coarser bars that are left; those not over at `now` are
        dropped."""
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
    """Yield the ticks and bars, followed by the coarser bars made from them.

    Bars whose length is not stored only serve to make stored ones.
    """
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
    """Merge the next bar into a coarser one."""
    into.high = max(into.high or bar.price, bar.high or bar.price)
    into.low = min(into.low or bar.price, bar.low or bar.price)
    into.price = bar.price
    into.folded = (into.folded or 0) + (bar.folded or 1)
    into.volume = total_volume(into.volume, bar.volume)
