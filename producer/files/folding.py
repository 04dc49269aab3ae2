"""Hours and days out of finer bars that are sent as history.

The API reads stored bars of 1m, 1h and 1d; history of minutes alone would leave its hours and days
empty. So with the minutes go the hours and days that they make, marked by `folded`, the number of
bars in them: they fill what is missing and never take the place of an exchange's own bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec

from chalicelib.domain.building import hour_start, is_extended
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.times import from_text, later, minute_of, to_text
from producer.wire import Bar, WireTick

SECONDS: dict[Bar, int] = {"1m": 60, "1h": 3600, "1d": 86_400}


class _Place(msgspec.Struct, frozen=True):
    """Where a bar is put: the start of a coarser one, and the instant at which that is over."""

    start: str
    over: str


def targets_of(seconds: int) -> tuple[Bar, ...]:
    """The stored intervals that bars of a length make: 5m make 1h and 1d, 2h make 1d."""
    return tuple(
        bar
        for bar, length in SECONDS.items()
        if length > seconds and (length % seconds == 0 or bar == "1d")
    )


class Folder:
    """Folds bars that come in the order of time, each symbol's.

    What is not over at `now` is left to live ticks.
    """

    def __init__(self, targets: Sequence[Bar], now: datetime) -> None:
        self._targets = targets
        self._now = to_text(now)
        self._open: dict[tuple[str, Bar], tuple[_Place, WireTick]] = {}

    def add(self, bar: WireTick) -> Iterator[WireTick]:
        """The coarser bars that this one shows to be complete."""
        for target in self._targets:
            place = _place(bar.symbol, bar.exchange_timezone, bar.timestamp, target)
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

    def rest(self) -> Iterator[WireTick]:
        """Those that were still open."""
        for held in self._open.values():
            yield from self._finished(*held)
        self._open.clear()

    def _finished(self, place: _Place, bar: WireTick) -> Iterator[WireTick]:
        if place.over <= self._now:
            yield bar


def with_folded(
    bars: Iterable[WireTick], targets: Sequence[Bar], now: datetime
) -> Iterator[WireTick]:
    """Bars in the order of time, and behind them the coarser ones that they make."""
    folder = Folder(targets, now)
    for bar in bars:
        yield from folder.add(bar)
        yield bar
    yield from folder.rest()


@lru_cache(8192)
def _place(symbol: str, timezone: str | None, start: str, target: Bar) -> _Place | None:
    """None where a day is asked for of a bar outside regular hours."""
    if target == "1m":
        minute = minute_of(start)
        return _Place(minute, later(minute, minutes=1))
    instant = from_text(start)
    session = calendar_for(symbol, timezone).session_at(instant)
    extended = is_extended(session, instant, None)
    if target == "1h":
        hour = hour_start(session, instant, extended)
        return _Place(to_text(hour), to_text(hour + timedelta(hours=1)))
    return None if extended else _day(session)


def _day(session: Session) -> _Place:
    over = max(session.post_close, session.regular_until)
    return _Place(f"{session.date}T00:00:00.000000Z", to_text(over))


def _first(bar: WireTick, target: Bar, start: str) -> WireTick:
    return msgspec.structs.replace(bar, bar=target, timestamp=start, folded=bar.folded or 1)


def _join(into: WireTick, bar: WireTick) -> None:
    """Take the next bar into a coarser one."""
    into.high = max(into.high or bar.price, bar.high or bar.price)
    into.low = min(into.low or bar.price, bar.low or bar.price)
    into.price = bar.price
    into.folded = (into.folded or 0) + (bar.folded or 1)
    if bar.volume is not None:
        into.volume = (into.volume or Decimal(0)) + bar.volume
